import type { KeyboardEvent, MouseEvent, RefObject } from 'react'
import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import { formatCount } from '../../../lib/format.ts'
import { cutAtMatches, placeAfterKey, rangeOf, type LogSelection } from './log-selection.ts'
import { lineHeight, type LogWindow } from './use-log-window.ts'

interface LogLinesProps {
  readonly runId: string
  readonly total: number
  readonly lineAt: (place: number) => RunLogLine | undefined
  readonly box: RefObject<HTMLDivElement | null>
  readonly list: LogWindow
  readonly search: string
  readonly selection: LogSelection | null
  readonly onSelect: (selection: LogSelection | null) => void
  readonly onCopy: () => void
  readonly onFind: () => void
}

/** The lines in sight; one keyboard place, arrow keys move, with Shift they choose, Ctrl or Command with C copies. */
export function LogLines({ runId, total, lineAt, box, list, search, selection, onSelect, onCopy, onFind }: LogLinesProps) {
  const places = Array.from({ length: Math.max(0, list.last - list.first + 1) }, (_unused, index) => list.first + index)
  const range = selection === null ? null : rangeOf(selection)
  const idOf = (place: number) => `log-${runId}-${place}`
  const select = (active: number, isLonger: boolean) => {
    onSelect({ anchor: isLonger ? (selection?.anchor ?? active) : active, active })
    list.show(active)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const isCommand = event.ctrlKey || event.metaKey
    const key = event.key.toLowerCase()
    if (isCommand && key === 'c' && range !== null && !hasMarkedText()) onCopy()
    else if (isCommand && key === 'f') onFind()
    else if (isCommand && key === 'a' && total > 0) onSelect({ anchor: 0, active: total - 1 })
    else if (event.key === 'Escape' && selection !== null) onSelect(null)
    else {
      const place = placeAfterKey(event.key, selection?.active ?? list.firstInSight - 1, { total, perPage: list.perPage })
      if (place === undefined || event.altKey || isCommand) return
      select(place, event.shiftKey)
    }
    event.preventDefault()
  }
  const onMouseDown = (event: MouseEvent) => {
    const line = event.target instanceof Element ? event.target.closest('[data-place]') : null
    if (event.button !== 0 || line === null) return
    // A chosen stretch is of whole lines; text within a line can still be marked with the mouse.
    if (event.shiftKey) event.preventDefault()
    select(Number(line.getAttribute('data-place')), event.shiftKey)
  }
  return (
    <div
      ref={box}
      className="run-log-lines"
      role="listbox"
      aria-label={`${formatCount(total)} log lines`}
      aria-multiselectable="true"
      aria-activedescendant={selection === null ? undefined : idOf(selection.active)}
      tabIndex={0}
      onScroll={list.onScroll}
      onKeyDown={onKeyDown}
      onMouseDown={onMouseDown}
    >
      <div className="run-log-height" role="presentation" style={{ height: total * lineHeight }}>
        {places.map((place) => (
          <div
            key={place}
            id={idOf(place)}
            className="run-log-line"
            role="option"
            aria-selected={range !== null && place >= range.first && place <= range.last}
            aria-setsize={total}
            aria-posinset={place + 1}
            data-level={lineAt(place)?.level}
            data-place={place}
            data-active={selection?.active === place}
            style={{ top: place * lineHeight }}
          >
            <LogLine line={lineAt(place)} search={search} />
          </div>
        ))}
      </div>
    </div>
  )
}

function LogLine({ line, search }: { readonly line: RunLogLine | undefined; readonly search: string }) {
  if (line === undefined) return <span className="run-log-level">…</span>
  const time = new Date(line.atMs)
  return (
    <>
      <time dateTime={time.toISOString()} title={time.toISOString()}>
        {dayAndTime.format(time).replace(',', '')}
      </time>
      <span className="run-log-level">{line.level}</span>
      <span className="run-log-source">{line.source}</span>
      <span className="run-log-message">
        {cutAtMatches(line.message, search).map((part, index) => (part.isMatch ? <mark key={index}>{part.text}</mark> : part.text))}
      </span>
    </>
  )
}

const dayAndTime = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

function hasMarkedText(): boolean {
  return window.getSelection()?.isCollapsed === false
}
