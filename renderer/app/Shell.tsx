import './shell.css'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Activity, CircleDollarSign, Database, Package, Search, Server, Settings, type LucideIcon } from 'lucide-react'
import { useState } from 'react'
import { DatasetTaskChip } from '../features/datasets/DatasetTaskChip.tsx'
import { shortcutText } from '../lib/shortcuts.ts'
import { CommandPalette } from './CommandPalette.tsx'
import { DropZone } from './DropZone.tsx'
import { NotificationBell } from './NotificationBell.tsx'
import { RunChip } from './RunChip.tsx'
import { useAppReady } from './use-app-ready.ts'
import { useMenuCommands } from './use-menu-commands.ts'

interface PageLink {
  readonly to: string
  readonly title: string
  readonly Icon: LucideIcon
}

const pages: readonly PageLink[] = [
  { to: '/datasets', title: 'Datasets', Icon: Database },
  { to: '/runs', title: 'Runs', Icon: Activity },
  { to: '/adapters', title: 'Adapters', Icon: Package },
  { to: '/endpoints', title: 'Endpoints', Icon: Server },
]
const extraPages: readonly PageLink[] = [
  { to: '/costs', title: 'Costs', Icon: CircleDollarSign },
  { to: '/settings', title: 'Settings', Icon: Settings },
]

/** Sidebar, header and the page between them. */
export function Shell() {
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  const path = useRouterState({ select: (state) => state.location.pathname })
  useMenuCommands(() => setPaletteOpen(true))
  useAppReady()
  return (
    <div className="shell">
      <nav className="sidebar" aria-label="Pages">
        <p className="sidebar-name">Tunesmith</p>
        <SidebarLinks links={pages} />
        <hr />
        <SidebarLinks links={extraPages} />
      </nav>
      <header className="header">
        <h1>{titleOf(path)}</h1>
        <button type="button" className="header-search" onClick={() => setPaletteOpen(true)}>
          <Search size={14} aria-hidden="true" />
          <span>Search</span>
          <kbd>{shortcutText('K')}</kbd>
        </button>
        <span className="header-space" />
        <DatasetTaskChip />
        <RunChip />
        <NotificationBell />
      </header>
      <main className="page" key={path.split('/').slice(0, 3).join('/')}>
        <Outlet />
      </main>
      <DropZone />
      <CommandPalette isOpen={isPaletteOpen} onClose={() => setPaletteOpen(false)} />
    </div>
  )
}

function SidebarLinks({ links }: { readonly links: readonly PageLink[] }) {
  return (
    <ul>
      {links.map(({ to, title, Icon }) => (
        <li key={to}>
          <Link to={to} className="sidebar-link" title={title}>
            <Icon size={16} aria-hidden="true" />
            <span>{title}</span>
          </Link>
        </li>
      ))}
    </ul>
  )
}

function titleOf(path: string): string {
  if (path === '/runs/new') return 'New run'
  if (path === '/endpoints/new') return 'New endpoint'
  if (path.startsWith('/runs/')) return 'Run'
  if (path.startsWith('/datasets/')) return 'Dataset'
  if (path.startsWith('/adapters/')) return 'Adapter'
  return [...pages, ...extraPages].find((page) => page.to === path)?.title ?? 'Tunesmith'
}
