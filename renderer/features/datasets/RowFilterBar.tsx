import { ListFilter, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { Dataset, RowFilter } from '../../../preload/contract/datasets.ts'
import { Button } from '../../ui/Button.tsx'
import { Popover } from '../../ui/Popover.tsx'
import { rowStateNames } from './dataset-text.ts'
import { listFilterChips } from './filter-chips.ts'
import { useMarkNames } from './part-queries.ts'
import { RowFilterForm } from './RowFilterForm.tsx'
import { addToFilter, emptyFilter, narrowRows, useRowView } from './row-view-store.ts'

const typingMs = 250

/** What the rows are narrowed to: a search, a state, and any number of conditions as chips. */
export function RowFilterBar({ dataset }: { readonly dataset: Dataset }) {
  const [view] = useRowView(dataset.id)
  const nameOf = useMarkNames(dataset)
  const { filter } = view
  const narrow = (change: Partial<RowFilter>) => addToFilter(dataset.id, change)
  const chips = listFilterChips(filter, nameOf)
  return (
    <div className="row-filter" role="search" aria-label="Filter rows">
      <TextSearch text={filter.text} onChange={(text) => narrow({ text })} />
      <select aria-label="State" value={filter.state} onChange={(event) => narrow({ state: event.target.value as RowFilter['state'] })}>
        {Object.entries(rowStateNames).map(([state, name]) => (
          <option key={state} value={state}>
            {name}
          </option>
        ))}
      </select>
      <Popover
        title="Show only rows with"
        trigger={
          <Button>
            <ListFilter size={14} aria-hidden="true" />
            Filter
          </Button>
        }
      >
        <RowFilterForm dataset={dataset} filter={filter} onChange={narrow} />
      </Popover>
      {chips.length > 0 && (
        <ul className="filter-chips" aria-label="Conditions">
          {chips.map((chip) => (
            <li key={chip.id}>
              <button type="button" aria-label={`Remove condition: ${chip.text}`} onClick={() => narrow(chip.without)}>
                {chip.text}
                <X size={12} aria-hidden="true" />
              </button>
            </li>
          ))}
          <li>
            <Button size="small" variant="ghost" onClick={() => narrowRows(dataset.id, { filter: emptyFilter })}>
              Clear all
            </Button>
          </li>
        </ul>
      )}
    </div>
  )
}

/** Searches once typing rests. */
function TextSearch({ text, onChange }: { readonly text: string; readonly onChange: (text: string) => void }) {
  const [typed, setTyped] = useState(text)
  const [known, setKnown] = useState(text)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  // Another part of the page changed the search.
  if (text !== known) {
    setKnown(text)
    setTyped(text)
  }
  const type = (next: string) => {
    setTyped(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => onChange(next), typingMs)
  }
  return (
    <input
      type="search"
      aria-label="Search in rows"
      placeholder="Search in rows"
      maxLength={500}
      value={typed}
      onChange={(event) => type(event.target.value)}
    />
  )
}
