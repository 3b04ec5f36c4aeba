import { useState } from 'react'
import type { Conversation } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Pager } from '../../ui/Pager.tsx'
import { ConversationView } from './ConversationView.tsx'
import { useDatasetRows } from './queries.ts'

const pageSize = 50

/** The usable rows, and beside them the conversation of the chosen one. */
export function DatasetRows({ datasetId }: { readonly datasetId: string }) {
  const [offset, setOffset] = useState(0)
  const [chosenLine, setChosenLine] = useState<number | null>(null)
  const rows = useDatasetRows(datasetId, offset, pageSize)
  if (rows.error !== null) return <ErrorNote error={rows.error} />
  if (rows.data === undefined) return <p className="page-note">Reading the rows.</p>
  if (rows.data.total === 0) return <p className="page-note">No usable row. The issues say what to correct.</p>
  const chosen = rows.data.rows.find((row) => row.line === chosenLine) ?? rows.data.rows[0]
  return (
    <div className="row-browser">
      <div className="list-page">
        <ul className="row-list" aria-label="Rows">
          {rows.data.rows.map((row) => (
            <li key={row.line}>
              <button type="button" aria-pressed={row.line === chosen?.line} onClick={() => setChosenLine(row.line)}>
                <span className="row-line">{formatCount(row.line)}</span>
                <span className="row-first">{firstWords(row)}</span>
                <span className="row-turns">{row.messages.length} turns</span>
              </button>
            </li>
          ))}
        </ul>
        <Pager offset={offset} pageSize={pageSize} total={rows.data.total} onChange={setOffset} />
      </div>
      {chosen !== undefined && (
        <section className="row-detail" aria-label={`Line ${chosen.line}`}>
          <h3>Line {formatCount(chosen.line)}</h3>
          <ConversationView messages={chosen.messages} />
        </section>
      )}
    </div>
  )
}

function firstWords(row: Conversation): string {
  return row.messages.find((message) => message.role === 'user')?.content ?? row.messages[0]?.content ?? ''
}
