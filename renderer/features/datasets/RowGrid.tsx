import { ArrowDown, ArrowUp, CircleX, Info, PencilLine, Trash2, TriangleAlert } from 'lucide-react'
import { memo, useEffect, useId, useRef, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react'
import type { RowSort, RowSummary, Severity } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { sortNames } from './dataset-text.ts'
import { addRange, isChosen, noRows, togglePlace, type Selection } from './selection.ts'
import { useListWindow, type ListWindow } from './use-list-window.ts'

const rowHeight = 32
const headHeight = 28
const columns: readonly RowSort['by'][] = ['line', 'turns', 'characters', 'tokens', 'trained']

interface RowGridProps {
  /** Changes with the filter and the order: another list starts at its top. */
  readonly listKey: string
  readonly total: number
  readonly rowAt: (place: number) => RowSummary | undefined
  readonly nameOf: (mark: string) => string
  readonly sort: RowSort
  readonly current: number
  readonly selection: Selection
  readonly isOld: boolean
  readonly onSort: (sort: RowSort) => void
  readonly onMove: (change: { current: number; selection: Selection }) => void
  readonly onOpen: () => void
  /** Tells which rows are in sight, so that only those are read. */
  readonly onShow: (places: { first: number; last: number }) => void
}

/** A list of any length: arrows move, Shift extends, Space chooses, Enter goes to the row. */
export function RowGrid(props: RowGridProps) {
  const { listKey, total, rowAt, nameOf, sort, current, selection, isOld, onSort, onMove, onOpen, onShow } = props
  const anchor = useRef(current)
  const gridId = useId()
  const [scroller, list] = useListWindow(total, rowHeight, headHeight)
  const { first: firstShown, last: lastShown } = list.shown
  useEffect(() => onShow({ first: firstShown, last: lastShown }), [firstShown, lastShown, onShow])
  useReturnTo(list, listKey, current)
  const go = (place: number, isExtending: boolean) => {
    const next = Math.min(total - 1, Math.max(0, place))
    if (!isExtending) anchor.current = next
    onMove({ current: next, selection: isExtending ? addRange(noRows, anchor.current, next) : selection })
    list.show(next)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || total === 0) return
    const target = placeFor(event.key, current, total, list.rowsPerPage)
    const isAll = event.key.toLowerCase() === 'a' && (event.ctrlKey || event.metaKey)
    if (target !== undefined) go(target, event.shiftKey)
    else if (event.key === ' ') onMove({ current, selection: togglePlace(selection, current) })
    else if (event.key === 'Enter') onOpen()
    else if (event.key === 'Escape' && selection.length > 0) onMove({ current, selection: noRows })
    else if (isAll) onMove({ current, selection: [[0, total - 1]] })
    else return
    event.preventDefault()
  }
  const onClick = (event: MouseEvent) => {
    const place = placeUnder(event.target)
    if (place === undefined) return
    if (event.shiftKey) return go(place, true)
    anchor.current = place
    const isToggle = event.ctrlKey || event.metaKey || event.target instanceof HTMLInputElement
    onMove({ current: place, selection: isToggle ? togglePlace(selection, place) : selection })
  }
  const places = Array.from({ length: Math.max(0, list.last - list.first + 1) }, (_unused, position) => list.first + position)
  return (
    <div
      ref={scroller}
      className="row-grid"
      role="grid"
      aria-label={`${formatCount(total)} rows`}
      aria-rowcount={total + 1}
      aria-multiselectable="true"
      aria-busy={isOld}
      data-old={isOld}
      {...(total > 0 ? { 'aria-activedescendant': `${gridId}-${current}` } : {})}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onClick={onClick}
    >
      <RowGridHead sort={sort} onSort={onSort} />
      <div role="presentation" className="row-grid-body" style={{ height: list.height }}>
        <div role="rowgroup" className="row-grid-window" style={{ transform: `translateY(${list.top}px)` }}>
          {places.map((place) => (
            <RowLine
              key={place}
              id={`${gridId}-${place}`}
              place={place}
              top={list.rowTop(place)}
              row={rowAt(place)}
              isCurrent={place === current}
              isSelected={isChosen(selection, place)}
              nameOf={nameOf}
            />
          ))}
        </div>
      </div>
    </div>
  )
}

/** Shows the row that was current when the page comes back, and the top of another list. */
function useReturnTo(list: ListWindow, listKey: string, current: number): void {
  const placed = useRef<string | null>(null)
  useEffect(() => {
    if (placed.current === listKey || !list.isMeasured) return
    const isFirst = placed.current === null
    placed.current = listKey
    if (!isFirst || current > 0) list.show(current)
  })
}

function placeFor(key: string, current: number, total: number, rowsPerPage: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return current + 1
    case 'ArrowUp':
      return current - 1
    case 'PageDown':
      return current + rowsPerPage
    case 'PageUp':
      return current - rowsPerPage
    case 'Home':
      return 0
    case 'End':
      return total - 1
    default:
      return undefined
  }
}

function RowGridHead({ sort, onSort }: { readonly sort: RowSort; readonly onSort: (sort: RowSort) => void }) {
  return (
    <div role="rowgroup" className="row-grid-head">
      <div role="row" aria-rowindex={1} className="row-line">
        <span role="columnheader" className="row-mark">
          <span className="sr-only">Chosen</span>
        </span>
        {columns.map((by) => (
          <span
            key={by}
            role="columnheader"
            className="row-number"
            data-column={by}
            {...(sort.by === by ? { 'aria-sort': sort.descending ? ('descending' as const) : ('ascending' as const) } : {})}
          >
            <button type="button" onClick={() => onSort({ by, descending: sort.by === by ? !sort.descending : by !== 'line' })}>
              {sort.by === by && (sort.descending ? <ArrowDown size={12} aria-hidden="true" /> : <ArrowUp size={12} aria-hidden="true" />)}
              {sortNames[by]}
            </button>
          </span>
        ))}
        <span role="columnheader">Found</span>
        <span role="columnheader">First words</span>
      </div>
    </div>
  )
}

interface RowLineProps {
  readonly id: string
  readonly place: number
  readonly top: number
  readonly row: RowSummary | undefined
  readonly isCurrent: boolean
  readonly isSelected: boolean
  readonly nameOf: (mark: string) => string
}

// The grid answers clicks and keys for all rows, so that scrolling draws only rows that are new.
const RowLine = memo(function RowLine({ id, place, top, row, isCurrent, isSelected, nameOf }: RowLineProps) {
  return (
    <div
      role="row"
      id={id}
      className="row-line"
      aria-rowindex={place + 2}
      aria-selected={isSelected}
      data-current={isCurrent}
      data-state={row?.state}
      data-place={place}
      style={{ top }}
    >
      <span role="gridcell" className="row-mark">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={row === undefined ? 'Choose row' : `Choose line ${formatCount(row.line)}`}
          checked={isSelected}
          readOnly
        />
      </span>
      {columns.map((by) => (
        <span key={by} role="gridcell" className="row-number" data-column={by}>
          {row === undefined ? '' : formatCount(row[by])}
        </span>
      ))}
      <span role="gridcell" className="row-found">
        {row !== undefined && <RowMarks row={row} nameOf={nameOf} />}
      </span>
      <span role="gridcell" className="row-first" dir="auto">
        {row === undefined ? <i className="row-waiting" /> : row.first}
      </span>
    </div>
  )
})

function placeUnder(target: EventTarget): number | undefined {
  const line = target instanceof Element ? target.closest<HTMLElement>('[data-place]') : null
  return line === null ? undefined : Number(line.dataset['place'])
}

const severityIcons: Readonly<Record<Severity, ReactNode>> = {
  error: <CircleX size={13} />,
  warning: <TriangleAlert size={13} />,
  info: <Info size={13} />,
}

function RowMarks({ row, nameOf }: { readonly row: RowSummary; readonly nameOf: (mark: string) => string }) {
  const marks = [...row.rules, ...row.flags]
  const text = marks.map(nameOf).join(', ')
  return (
    <span className="row-marks" title={text}>
      {row.state !== 'source' && (
        <span className="row-state">
          {row.state === 'dropped' ? <Trash2 size={13} aria-hidden="true" /> : <PencilLine size={13} aria-hidden="true" />}
          {row.state === 'dropped' ? 'Dropped' : 'Edited'}
        </span>
      )}
      {marks.length > 0 && (
        <span className="row-marks-text" data-severity={row.severity ?? 'info'}>
          {row.severity !== null && <span aria-hidden="true">{severityIcons[row.severity]}</span>}
          <span>{text}</span>
        </span>
      )}
    </span>
  )
}
