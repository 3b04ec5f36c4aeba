import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { bridge } from '../lib/bridge.ts'
import { formatDuration, formatMoney, formatPercent } from '../lib/format.ts'

/** The active run on every page: how far, how long, what it cost so far. */
export function RunChip() {
  const active = useQuery({ queryKey: ['runs', 'list', 'active'], queryFn: () => bridge.invoke('runs.list', { status: 'active' }) })
  const run = active.data?.find((candidate) => candidate.status === 'running') ?? active.data?.[0]
  if (run === undefined) return null
  const more = (active.data?.length ?? 1) - 1
  const cost = run.endpointKind === 'local' ? 'no charge' : formatMoney(run.costMicroUsd)
  return (
    <Link to="/runs/$runId" params={{ runId: run.id }} className="run-chip" aria-label={`Active run: ${run.name}`} title={run.name}>
      <span className="run-chip-dot" aria-hidden="true" />
      <span className="run-chip-name">{run.name}</span>
      <b>{run.progress === null ? run.status : formatPercent(run.progress)}</b>
      {run.etaMs !== null && <span>{formatDuration(run.etaMs)} left</span>}
      <span>{cost}</span>
      {more > 0 && <span>+{more}</span>}
    </Link>
  )
}
