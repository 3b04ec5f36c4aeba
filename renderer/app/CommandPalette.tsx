import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useId, useState, type KeyboardEvent } from 'react'
import { importStore } from '../features/datasets/import-store.ts'
import { bridge } from '../lib/bridge.ts'
import { Dialog } from '../ui/Dialog.tsx'

interface PaletteEntry {
  readonly id: string
  readonly title: string
  readonly kind: 'Action' | 'Page' | 'Dataset' | 'Run' | 'Adapter'
  readonly open: () => void
}

const pages = ['Datasets', 'Runs', 'Adapters', 'Endpoints', 'Costs', 'Settings'] as const
const maxShown = 40

/** Goes anywhere by typing: pages, datasets, runs, adapters. */
export function CommandPalette({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Dialog isOpen={isOpen} title="Go to" onClose={onClose}>
      {isOpen && <PaletteBody onClose={onClose} />}
    </Dialog>
  )
}

function PaletteBody({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const listId = useId()
  const wanted = text.trim().toLocaleLowerCase()
  const found = useEntries()
    .filter((entry) => entry.title.toLocaleLowerCase().includes(wanted))
    .slice(0, maxShown)
  const activeId = found[active] === undefined ? undefined : `${listId}-${active}`
  useEffect(() => {
    if (activeId !== undefined) document.querySelector(`[id="${activeId}"]`)?.scrollIntoView({ block: 'nearest' })
  }, [activeId])
  const choose = (entry: PaletteEntry | undefined) => {
    if (entry === undefined) return
    onClose()
    entry.open()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setActive(Math.max(0, Math.min(active + 1, found.length - 1)))
    else if (event.key === 'ArrowUp') setActive(Math.max(active - 1, 0))
    else if (event.key === 'Enter') choose(found[active])
    else return
    event.preventDefault()
  }
  return (
    <div className="palette">
      <input
        type="search"
        aria-label="Search pages, datasets, runs and adapters"
        aria-controls={listId}
        aria-activedescendant={activeId}
        placeholder="Type a name"
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setActive(0)
        }}
        onKeyDown={onKeyDown}
      />
      {found.length === 0 && (
        <p className="page-note" role="status">
          Nothing has this name.
        </p>
      )}
      <div className="palette-list" id={listId} role="listbox" aria-label="Results">
        {found.map((entry, index) => (
          // The keyboard stays in the field; `aria-activedescendant` says which entry Enter opens.
          <div
            key={entry.id}
            id={`${listId}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            onClick={() => choose(entry)}
            onKeyDown={onKeyDown}
            onMouseMove={() => setActive(index)}
          >
            <span>{entry.title}</span>
            <small>{entry.kind}</small>
          </div>
        ))}
      </div>
    </div>
  )
}

function useEntries(): readonly PaletteEntry[] {
  const navigate = useNavigate()
  const datasets = useQuery({ queryKey: ['datasets', 'list', 'palette'], queryFn: () => bridge.invoke('datasets.list', {}) })
  const runs = useQuery({ queryKey: ['runs', 'list', 'palette'], queryFn: () => bridge.invoke('runs.list', {}) })
  const adapters = useQuery({ queryKey: ['adapters', 'list', 'palette'], queryFn: () => bridge.invoke('adapters.list', {}) })
  const place = (to: string, title: string, kind: PaletteEntry['kind']): PaletteEntry => ({
    id: to,
    title,
    kind,
    open: () => void navigate({ to }),
  })
  return [
    place('/runs/new', 'New run', 'Action'),
    { id: 'import', title: 'Import a dataset', kind: 'Action', open: () => void importStore.getState().pick() },
    ...pages.map((page) => place(`/${page.toLowerCase()}`, page, 'Page')),
    ...(datasets.data ?? []).map(({ id, name }) => place(`/datasets/${id}`, name, 'Dataset')),
    ...(runs.data ?? []).map(({ id, name }) => place(`/runs/${id}`, name, 'Run')),
    ...(adapters.data ?? []).map(({ id, name }) => place(`/adapters/${id}`, name, 'Adapter')),
  ]
}
