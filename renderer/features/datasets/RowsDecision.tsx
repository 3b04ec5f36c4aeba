import { TriangleAlert } from 'lucide-react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { useDatasetActions } from './queries.ts'

/** When some rows are bad the user decides whether the good ones are used; nothing is left out silently. */
export function RowsDecision({ dataset }: { readonly dataset: Dataset }) {
  const { acceptValidRows } = useDatasetActions()
  const { stats } = dataset
  if (stats === null || stats.errorRows === 0) return null
  const decide = (accept: boolean) => acceptValidRows.mutate({ id: dataset.id, accept })
  if (dataset.acceptsValidRowsOnly) {
    return (
      <section className="dataset-decision" aria-label="Rows with issues">
        <p>
          Runs use the {formatCount(stats.validRows)} usable rows; {formatCount(stats.errorRows)} rows with issues are left out.
        </p>
        <Button size="small" onClick={() => decide(false)} disabled={acceptValidRows.isPending}>
          Do not leave them out
        </Button>
      </section>
    )
  }
  return (
    <section className="dataset-decision" data-open="true" aria-label="Rows with issues">
      <TriangleAlert size={16} aria-hidden="true" />
      <p>
        {formatCount(stats.errorRows)} of {formatCount(stats.rows)} rows have issues. Correct the file and import it again, or train on the rest.
      </p>
      {stats.validRows > 0 && (
        <Button variant="primary" onClick={() => decide(true)} disabled={acceptValidRows.isPending}>
          Use the {formatCount(stats.validRows)} usable rows
        </Button>
      )}
    </section>
  )
}
