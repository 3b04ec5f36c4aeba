import type { DatasetOverview } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'

interface ConsumerTableProps {
  readonly consumers: DatasetOverview['consumers']
  readonly missingText: string
}

const outcomes = [
  { id: 'kept', title: 'Kept', hint: 'trained on as they are' },
  { id: 'truncated', title: 'Cut', hint: 'trained on, but shortened' },
  { id: 'dropped', title: 'Left out', hint: 'skipped, often without a word' },
  { id: 'rejected', title: 'Refused', hint: 'stop the whole job' },
] as const

/** What each trainer or service would do with the rows. */
export function ConsumerTable({ consumers, missingText }: ConsumerTableProps) {
  return (
    <section className="card consumer-table" aria-label="What trainers would do with the rows">
      <h3>What trainers would do with the rows</h3>
      {consumers.length === 0 ? (
        <p className="field-hint">{missingText}</p>
      ) : (
        <div className="table-scroll" role="region" aria-label="Rows by trainer" tabIndex={0}>
          <table className="data-table">
            <thead>
              <tr>
                <th scope="col">Trainer</th>
                {outcomes.map(({ id, title, hint }) => (
                  <th key={id} scope="col" className="number" title={hint}>
                    {title}
                  </th>
                ))}
                <th scope="col" className="consumer-bar-head">
                  <span className="sr-only">Share</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {consumers.map((consumer) => (
                <tr key={consumer.name}>
                  <th scope="row">{consumer.title}</th>
                  {outcomes.map(({ id }) => (
                    <td key={id} className="number" data-outcome={id} data-some={consumer[id] > 0}>
                      {formatCount(consumer[id])}
                    </td>
                  ))}
                  <td>
                    <span className="consumer-bar" aria-hidden="true">
                      {outcomes.map(({ id }) => (
                        <i key={id} data-outcome={id} style={{ flexGrow: consumer[id] }} />
                      ))}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
