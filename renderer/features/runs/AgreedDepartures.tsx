import type { RunAccepts } from '../../../preload/contract/runs.ts'
import { agreedDepartures } from './run-departures.ts'

interface AgreedDeparturesProps {
  readonly accepts: RunAccepts
  readonly onRefuse: (departure: keyof RunAccepts) => void
}

/** What was agreed to for an earlier run and holds for this one too, until it is taken back. */
export function AgreedDepartures({ accepts, onRefuse }: AgreedDeparturesProps) {
  const agreed = agreedDepartures(accepts)
  if (agreed.length === 0) return null
  return (
    <fieldset className="choice agreed-departures">
      <legend className="sr-only">Agreed to for an earlier run</legend>
      <p className="field-label">Agreed to for an earlier run</p>
      {agreed.map(({ id, statement }) => (
        <label key={id}>
          <input type="checkbox" checked onChange={() => onRefuse(id)} />
          {statement}
        </label>
      ))}
    </fieldset>
  )
}
