import './rows.css'
import { PanelRightClose, PanelRightOpen } from 'lucide-react'
import { useCallback, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount, formatPercent } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { countRows } from './dataset-text.ts'
import { useMarkNames } from './part-queries.ts'
import { RowActions } from './RowActions.tsx'
import { RowDetailPane } from './RowDetailPane.tsx'
import { RowFilterBar } from './RowFilterBar.tsx'
import { RowGrid } from './RowGrid.tsx'
import { arePagesSame, listingOf, useRowPages, useSettled } from './row-queries.ts'
import { emptyFilter, isNarrowed, narrowRows, useRowView } from './row-view-store.ts'
import { clampTo } from './selection.ts'

const detailWaitMs = 60

interface Places {
  readonly first: number
  readonly last: number
}

/** The rows of a dataset, and beside them the current one in full. */
export function RowsTab({ dataset }: { readonly dataset: Dataset }) {
  const [view, change] = useRowView(dataset.id)
  const [places, setPlaces] = useState<Places>({ first: 0, last: 0 })
  const [isDetailShown, setDetailShown] = useState(true)
  const browser = useRef<HTMLDivElement>(null)
  const listing = useMemo(() => listingOf(dataset, view.filter, view.sort), [dataset, view.filter, view.sort])
  const pages = useRowPages(listing, places)
  const nameOf = useMarkNames(dataset)
  const total = pages.total ?? 0
  const current = Math.max(0, Math.min(view.current, total - 1))
  const selection = clampTo(view.selection, total)
  const row = useSettled(pages.rowAt(current)?.row, detailWaitMs)
  const show = useCallback((next: Places) => setPlaces((old) => (arePagesSame(old, next) ? old : next)), [])
  const focusIn = (selector: string) => browser.current?.querySelector<HTMLElement>(selector)?.focus()
  const openDetail = () => {
    setDetailShown(true)
    requestAnimationFrame(() => focusIn('.row-detail'))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const isInDetail = event.target instanceof Element && event.target.closest('.row-detail') !== null
    if (event.key === 'Escape' && isInDetail && !event.defaultPrevented) focusIn('[role="grid"]')
  }
  return (
    <div className="rows-tab">
      <RowFilterBar dataset={dataset} />
      <div className="rows-status">
        <p role="status">
          {pages.total === undefined ? 'Reading the rows.' : describeTotal(total, dataset, isNarrowed(view.filter))}
          {pages.searched < 1 && ` Searched ${formatPercent(pages.searched)}.`}
        </p>
        <RowActions dataset={dataset} listing={listing} selection={selection} total={total} isSearching={pages.searched < 1} />
        <Button
          size="small"
          variant="ghost"
          aria-pressed={isDetailShown}
          aria-label="Show the row beside the list"
          title="Show the row beside the list"
          onClick={() => setDetailShown(!isDetailShown)}
        >
          {isDetailShown ? <PanelRightClose size={14} aria-hidden="true" /> : <PanelRightOpen size={14} aria-hidden="true" />}
        </Button>
      </div>
      {pages.error !== null && <ErrorNote error={pages.error} />}
      <div className="row-browser" role="presentation" data-detail={isDetailShown} ref={browser} onKeyDown={onKeyDown}>
        {pages.total === undefined ? null : total === 0 ? (
          <NoRows isFiltered={isNarrowed(view.filter)} datasetId={dataset.id} isSearching={pages.searched < 1} />
        ) : (
          <RowGrid
            listKey={JSON.stringify([view.filter, view.sort])}
            total={total}
            rowAt={pages.rowAt}
            nameOf={nameOf}
            sort={view.sort}
            current={current}
            selection={selection}
            isOld={pages.isOld}
            onSort={(sort) => narrowRows(dataset.id, { sort })}
            onMove={change}
            onOpen={openDetail}
            onShow={show}
          />
        )}
        {isDetailShown && total > 0 && <RowDetailPane dataset={dataset} row={row} />}
      </div>
    </div>
  )
}

function describeTotal(total: number, dataset: Dataset, isFiltered: boolean): string {
  if (!isFiltered) return `${countRows(total)}.`
  const verb = total === 1 ? 'matches' : 'match'
  if (dataset.stats === null) return `${countRows(total)} ${verb}.`
  return `${formatCount(total)} of ${countRows(dataset.stats.rows)} ${verb}.`
}

interface NoRowsProps {
  readonly isFiltered: boolean
  readonly isSearching: boolean
  readonly datasetId: string
}

function NoRows({ isFiltered, isSearching, datasetId }: NoRowsProps) {
  if (isSearching) return <p className="page-note">No row found so far.</p>
  if (!isFiltered) return <p className="page-note">The file has no rows. Import another file.</p>
  return (
    <div className="rows-none">
      <p>No row matches every condition.</p>
      <Button onClick={() => narrowRows(datasetId, { filter: emptyFilter })}>Show all rows</Button>
    </div>
  )
}
