import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Run } from '../../preload/contract/runs.ts'
import { bridge } from '../lib/bridge.ts'
import { formatDuration, formatMoney, formatPercent } from '../lib/format.ts'

const statusWords: Readonly<Record<Run['status'], string>> = {
  queued: 'Queued',
  initializing: 'Starting',
  running: 'Running',
  collecting: 'Collecting',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Stopped',
}

/** The active run on every page: how far, how long, what it cost so far. */
export function RunChip() {
  const active = useQuery({ queryKey: ['runs', 'list', 'active'], queryFn: () => bridge.invoke('runs.list', { status: 'active' }) })
  const run = active.data?.find((candidate) => candidate.status === 'running') ?? active.data?.[0]
  if (run === undefined) return null
  const more = (active.data?.length ?? 1) - 1
  const isLost = run.contactLost !== null
  return (
    <Link to="/runs/$runId" params={{ runId: run.id }} className="run-chip" data-lost={isLost} title={run.name}>
      <span className="run-chip-dot" aria-hidden="true" />
      <span className="sr-only">Active run:</span>
      <span className="run-chip-name">{run.name}</span>
      <b>{isLost ? 'No contact' : run.progress === null ? statusWords[run.status] : formatPercent(run.progress)}</b>
      {run.etaMs !== null && !isLost && <span>{formatDuration(run.etaMs)} left</span>}
      <span>{run.endpointKind === 'local' ? 'No charge' : formatMoney(run.costMicroUsd)}</span>
      {more > 0 && <span title={`${more} more ${more === 1 ? 'run' : 'runs'} not ended`}>+{more}</span>}
    </Link>
  )
}
