import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type KeyboardEvent } from 'react'
import { bridge } from '../lib/bridge.ts'
import { Dialog } from '../ui/Dialog.tsx'

interface PaletteEntry {
  readonly to: string
  readonly title: string
  readonly kind: string
}

const fixed: readonly PaletteEntry[] = [
  { to: '/runs/new', title: 'New run', kind: 'Action' },
  { to: '/datasets', title: 'Datasets', kind: 'Page' },
  { to: '/runs', title: 'Runs', kind: 'Page' },
  { to: '/adapters', title: 'Adapters', kind: 'Page' },
  { to: '/endpoints', title: 'Endpoints', kind: 'Page' },
  { to: '/costs', title: 'Costs', kind: 'Page' },
  { to: '/settings', title: 'Settings', kind: 'Page' },
]
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
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const found = useEntries().filter((entry) => entry.title.toLocaleLowerCase().includes(text.trim().toLocaleLowerCase())).slice(0, maxShown)
  const open = (entry: PaletteEntry | undefined) => {
    if (entry === undefined) return
    onClose()
    void navigate({ to: entry.to })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setActive(Math.min(active + 1, found.length - 1))
    else if (event.key === 'ArrowUp') setActive(Math.max(active - 1, 0))
    else if (event.key === 'Enter') open(found[active])
    else return
    event.preventDefault()
  }
  return (
    <>
      <input
        type="search"
        aria-label="Search pages, datasets, runs and adapters"
        placeholder="Type a name"
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setActive(0)
        }}
        onKeyDown={onKeyDown}
      />
      {found.length === 0 ? (
        <p className="page-note">Nothing has this name.</p>
      ) : (
        <ul className="palette-list">
          {found.map((entry, index) => (
            <li key={entry.to}>
              <button type="button" data-active={index === active} onClick={() => open(entry)} onMouseEnter={() => setActive(index)}>
                <span>{entry.title}</span>
                <small>{entry.kind}</small>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function useEntries(): readonly PaletteEntry[] {
  const datasets = useQuery({ queryKey: ['datasets', 'list', 'palette'], queryFn: () => bridge.invoke('datasets.list', {}) })
  const runs = useQuery({ queryKey: ['runs', 'list', 'palette'], queryFn: () => bridge.invoke('runs.list', {}) })
  const adapters = useQuery({ queryKey: ['adapters', 'list', 'palette'], queryFn: () => bridge.invoke('adapters.list', {}) })
  return [
    ...fixed,
    ...(datasets.data ?? []).map(({ id, name }) => ({ to: `/datasets/${id}`, title: name, kind: 'Dataset' })),
    ...(runs.data ?? []).map(({ id, name }) => ({ to: `/runs/${id}`, title: name, kind: 'Run' })),
    ...(adapters.data ?? []).map(({ id, name }) => ({ to: `/adapters/${id}`, title: name, kind: 'Adapter' })),
  ]
}
