import type { Run } from '../../../preload/contract/runs.ts'
import { StatusBadge } from '../../ui/StatusBadge.tsx'

/** The status of a run with its progress while it trains. */
export function RunBadge({ run }: { readonly run: Run }) {
  const isTraining = run.status === 'running' && run.progress !== null
  return (
    <span className="run-badge">
      <StatusBadge status={run.status} />
      {isTraining && <span className="run-badge-progress">{Math.floor((run.progress ?? 0) * 100)} %</span>}
    </span>
  )
}
