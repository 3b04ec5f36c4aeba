import './run.css'
import { useState } from 'react'
import { Link, useNavigate } from '@tanstack/react-router'
import { Activity, Plus } from 'lucide-react'
import type { Run } from '../../../preload/contract/runs.ts'
import { formatLoss } from '../../charts/axis-format.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { useRuns, type RunFilter } from './queries.ts'
import { QueueSection } from './queue/QueueSection.tsx'
import { RunBadge } from './RunBadge.tsx'
import { costText, elapsed } from './run-tiles.ts'
import { useNow } from './use-now.ts'

const everything: RunFilter = { search: '', status: 'all', sort: 'newest' }

/** Every run, newest first. */
export function RunsPage() {
  const navigate = useNavigate()
  const [filter, setFilter] = useState<RunFilter>(everything)
  const runs = useRuns(filter)
  const newRun = () => void navigate({ to: '/runs/new' })
  const isNarrowed = filter.search !== '' || filter.status !== 'all'
  if (runs.error !== null) return <ErrorNote error={runs.error} onRetry={() => void runs.refetch()} />
  if (runs.data === undefined) return <p className="page-note">Reading the runs.</p>
  if (runs.data.length === 0 && !isNarrowed) {
    return (
      <EmptyState
        icon={<Activity size={28} aria-hidden="true" />}
        title="No run yet"
        body="A run trains a base model on one of your datasets and brings an adapter to this computer."
        action={
          <Button variant="primary" onClick={newRun}>
            New run
          </Button>
        }
      />
    )
  }
  const listed = runs.data.filter((run) => run.isWaiting !== true)
  return (
    <div className="list-page">
      <QueueSection />
      <RunsBar filter={filter} onFilter={setFilter} onNew={newRun} />
      {listed.length === 0 ? (
        <p className="page-note">
          {isNarrowed ? 'No run matches. Clear the search or choose another status.' : 'No run has been started yet.'}
        </p>
      ) : (
        <RunsTable runs={listed} />
      )}
    </div>
  )
}

interface RunsBarProps {
  readonly filter: RunFilter
  readonly onFilter: (filter: RunFilter) => void
  readonly onNew: () => void
}

function RunsBar({ filter, onFilter, onNew }: RunsBarProps) {
  return (
    <div className="list-bar">
      <input
        type="search"
        aria-label="Search runs"
        placeholder="Search runs"
        value={filter.search}
        onChange={(event) => onFilter({ ...filter, search: event.target.value })}
      />
      <select
        aria-label="Status"
        value={filter.status}
        onChange={(event) => onFilter({ ...filter, status: event.target.value as RunFilter['status'] })}
      >
        <option value="all">All runs</option>
        <option value="active">Under way</option>
        <option value="completed">Completed</option>
        <option value="failed">Failed</option>
        <option value="cancelled">Stopped</option>
      </select>
      <select
        aria-label="Sort"
        value={filter.sort}
        onChange={(event) => onFilter({ ...filter, sort: event.target.value as RunFilter['sort'] })}
      >
        <option value="newest">Newest first</option>
        <option value="name">By name</option>
        <option value="loss">Lowest held-out loss first</option>
      </select>
      <Button variant="primary" onClick={onNew}>
        <Plus size={14} aria-hidden="true" />
        New run
      </Button>
    </div>
  )
}

function RunsTable({ runs }: { readonly runs: readonly Run[] }) {
  const nowMs = useNow(runs.some((run) => run.endedAtMs === null))
  return (
    <table className="run-table" aria-label="Runs">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Status</th>
          <th scope="col" className="run-number">
            Loss
          </th>
          <th scope="col" className="run-number">
            Held out
          </th>
          <th scope="col" className="run-number">
            Duration
          </th>
          <th scope="col" className="run-number">
            Cost
          </th>
          <th scope="col">Started</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <th scope="row" className="run-cell-name">
              <Link to="/runs/$runId" params={{ runId: run.id }} title={run.name}>
                {run.name}
              </Link>
              <span title={`${run.datasetName} · ${run.baseModelLabel}`}>
                {run.datasetName} · {run.baseModelLabel}
              </span>
            </th>
            <td>
              <RunBadge run={run} />
            </td>
            <td className="run-number">{formatLoss(run.head.loss, 3)}</td>
            <td className="run-number">{formatLoss(run.head.evalLoss, 3)}</td>
            <td className="run-number">{elapsed(run, nowMs)}</td>
            <td className="run-number">{costText(run, nowMs)}</td>
            <td>{run.startedAtMs === null ? '–' : <RelativeTime atMs={run.startedAtMs} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
