import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Run } from '../../preload/contract/runs.ts'
import { bridge } from '../lib/bridge.ts'
import { useNow } from '../features/runs/use-now.ts'
import { formatDuration, formatPercent } from '../lib/format.ts'
import { meterText } from '../lib/live-cost.ts'

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
  const nowMs = useNow(active.data?.some(({ meter }) => meter?.isRunning === true) ?? false)
  const underWay = active.data?.filter((candidate) => candidate.isWaiting !== true) ?? []
  const queued = (active.data?.length ?? 0) - underWay.length
  const run = underWay.find((candidate) => candidate.status === 'running') ?? underWay[0]
  if (run === undefined) return queued === 0 ? null : <QueuedChip count={queued} />
  const more = underWay.length - 1
  const isLost = run.contactLost !== null
  return (
    <Link to="/runs/$runId" params={{ runId: run.id }} className="run-chip" data-lost={isLost} title={run.name}>
      <span className="run-chip-dot" aria-hidden="true" />
      <span className="sr-only">Active run:</span>
      <span className="run-chip-name">{run.name}</span>
      <b>{isLost ? 'No contact' : run.progress === null ? statusWords[run.status] : formatPercent(run.progress)}</b>
      {run.etaMs !== null && !isLost && <span>{formatDuration(run.etaMs)} left</span>}
      <span title={costTitle(underWay)}>{meterText(underWay, nowMs) ?? 'No charge'}</span>
      {more > 0 && <span title={`${more} more ${more === 1 ? 'run' : 'runs'} not ended`}>+{more}</span>}
      {queued > 0 && <span title={waitingText(queued)}>+{queued} queued</span>}
    </Link>
  )
}

function costTitle(runs: readonly Run[]): string {
  const charged = runs.filter(({ meter }) => meter !== null)
  if (charged.length === 0) return 'Runs on this computer are free of charge'
  const whose = charged.length === 1 ? '' : ` of ${charged.length} runs together`
  return charged.every(({ meter }) => meter?.capMicroUsd !== null) ? `Cost so far${whose}, and the most it may be` : `Cost so far${whose}`
}

/** Nothing runs, but something waits: why is on the page of the runs. */
function QueuedChip({ count }: { readonly count: number }) {
  return (
    <Link to="/runs" className="run-chip" title={waitingText(count)}>
      <b>{count} queued</b>
    </Link>
  )
}

function waitingText(count: number): string {
  return `${count} ${count === 1 ? 'run waits' : 'runs wait'} in the queue`
}
