import { useVirtualizer } from '@tanstack/react-virtual'
import { useId, useRef, useState, type KeyboardEvent } from 'react'
import type { Conversation } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { ConversationView } from './ConversationView.tsx'
import { useDatasetRows } from './queries.ts'

const rowHeight = 32
const keySteps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }

/** The usable rows, and beside them the conversation of the chosen one. */
export function DatasetRows({ datasetId }: { readonly datasetId: string }) {
  const [chosen, setChosen] = useState(0)
  const [shown, setShown] = useState({ from: 0, to: 0 })
  const { total, rowAt, error } = useDatasetRows(datasetId, [chosen, shown.from, shown.to])
  if (error !== null) return <ErrorNote error={error} />
  if (total === undefined) return <p className="page-note">Reading the rows.</p>
  if (total === 0) return <p className="page-note">No usable row. The issues say what to correct.</p>
  const row = rowAt(chosen)
  return (
    <div className="row-browser">
      <RowList total={total} rowAt={rowAt} chosen={chosen} onChoose={setChosen} onShow={setShown} />
      {row !== undefined && (
        <section className="row-detail" aria-label={`Line ${row.line}`}>
          <h3>
            Line {formatCount(row.line)} of the file, {row.messages.length} {row.messages.length === 1 ? 'turn' : 'turns'}
          </h3>
          <ConversationView key={row.line} messages={row.messages} />
        </section>
      )}
    </div>
  )
}

interface RowListProps {
  readonly total: number
  readonly rowAt: (index: number) => Conversation | undefined
  readonly chosen: number
  readonly onChoose: (index: number) => void
  /** Tells which rows are on screen, so that only those are read. */
  readonly onShow: (range: { from: number; to: number }) => void
}

function RowList({ total, rowAt, chosen, onChoose, onShow }: RowListProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const listId = useId()
  const rows = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    onChange: ({ range }) => {
      if (range !== null) onShow({ from: range.startIndex, to: range.endIndex })
    },
  })
  const onKeyDown = (event: KeyboardEvent) => {
    const step = keySteps[event.key]
    const next =
      event.key === 'Home'
        ? 0
        : event.key === 'End'
          ? total - 1
          : step === undefined
            ? undefined
            : Math.min(total - 1, Math.max(0, chosen + step))
    if (next === undefined) return
    event.preventDefault()
    onChoose(next)
    rows.scrollToIndex(next)
  }
  return (
    <div
      ref={scroller}
      className="row-list"
      role="listbox"
      aria-label={`${formatCount(total)} rows`}
      aria-activedescendant={`${listId}-${chosen}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div role="presentation" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => (
          // The keyboard stays on the list; arrows move the choice.
          <div
            key={index}
            id={`${listId}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            aria-posinset={index + 1}
            aria-setsize={total}
            style={{ transform: `translateY(${start}px)` }}
            onClick={() => onChoose(index)}
            onKeyDown={onKeyDown}
          >
            <RowLine row={rowAt(index)} />
          </div>
        ))}
      </div>
    </div>
  )
}

function RowLine({ row }: { readonly row: Conversation | undefined }) {
  if (row === undefined) return <span className="row-first">–</span>
  return (
    <>
      <span className="row-line">{formatCount(row.line)}</span>
      <span className="row-first">{firstWords(row)}</span>
      <span className="row-turns">
        {row.messages.length} {row.messages.length === 1 ? 'turn' : 'turns'}
      </span>
    </>
  )
}

function firstWords(row: Conversation): string {
  return row.messages.find((message) => message.role === 'user')?.content ?? row.messages[0]?.content ?? ''
}
