import './adapter.css'
import { useState } from 'react'
import { Link, useNavigate } from '@tanstack/react-router'
import { Package } from 'lucide-react'
import type { Adapter } from '../../../preload/contract/adapters.ts'
import { formatBytes } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { AdapterState } from './AdapterState.tsx'
import { HealthStars } from './HealthStars.tsx'
import { useAdapters, type AdapterFilter } from './queries.ts'

/** Every adapter on this computer. */
export function AdaptersPage() {
  const navigate = useNavigate()
  const [filter, setFilter] = useState<AdapterFilter>({ search: '', sort: 'newest' })
  const adapters = useAdapters(filter)
  if (adapters.error !== null) return <ErrorNote error={adapters.error} onRetry={() => void adapters.refetch()} />
  if (adapters.data === undefined) return <p className="page-note">Reading the adapters.</p>
  if (adapters.data.length === 0 && filter.search === '') {
    return (
      <EmptyState
        icon={<Package size={28} aria-hidden="true" />}
        title="No adapter yet"
        body="A run that ends well puts its adapter here, checked file by file. From here it can be dragged into other programs."
        action={
          <Button variant="primary" onClick={() => void navigate({ to: '/runs/new' })}>
            New run
          </Button>
        }
      />
    )
  }
  return (
    <div className="list-page">
      <div className="list-bar">
        <input
          type="search"
          aria-label="Search adapters"
          placeholder="Search adapters"
          value={filter.search}
          onChange={(event) => setFilter({ ...filter, search: event.target.value })}
        />
        <select
          aria-label="Sort"
          value={filter.sort}
          onChange={(event) => setFilter({ ...filter, sort: event.target.value as AdapterFilter['sort'] })}
        >
          <option value="newest">Newest first</option>
          <option value="name">By name</option>
          <option value="health">Best training health first</option>
        </select>
      </div>
      {adapters.data.length === 0 ? (
        <p className="page-note">No adapter matches. Clear the search to see all.</p>
      ) : (
        <AdaptersTable adapters={adapters.data} />
      )}
    </div>
  )
}

function AdaptersTable({ adapters }: { readonly adapters: readonly Adapter[] }) {
  return (
    <table className="adapter-table" aria-label="Adapters">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Training health</th>
          <th scope="col">State</th>
          <th scope="col" className="adapter-number">
            Size
          </th>
          <th scope="col">Run</th>
          <th scope="col">Created</th>
        </tr>
      </thead>
      <tbody>
        {adapters.map((adapter) => (
          <tr key={adapter.id}>
            <th scope="row" className="adapter-cell-name">
              <Link to="/adapters/$adapterId" params={{ adapterId: adapter.id }} title={adapter.name}>
                {adapter.name}
              </Link>
              <span title={adapter.baseModelId}>{adapter.baseModelId}</span>
            </th>
            <td>
              <HealthStars health={adapter.health} />
            </td>
            <td>
              <AdapterState adapter={adapter} />
            </td>
            <td className="adapter-number">{formatBytes(adapter.sizeBytes)}</td>
            <td>
              <Link to="/runs/$runId" params={{ runId: adapter.runId }} aria-label={`Open run of ${adapter.name}`}>
                Open run
              </Link>
            </td>
            <td>
              <RelativeTime atMs={adapter.createdAtMs} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
