import { Link } from '@tanstack/react-router'
import type { Run } from '../../../preload/contract/runs.ts'
import { useRuns } from './queries.ts'

const everyRun = { search: '', status: 'all', sort: 'newest' } as const

/** From a retry to the run it tries again, and from that to its retries. */
export function RetryLinks({ run }: { readonly run: Pick<Run, 'id' | 'retryOf'> }) {
  const runs = useRuns(everyRun).data ?? []
  const first = runs.find(({ id }) => id === run.retryOf)
  const retries = runs.filter(({ retryOf }) => retryOf === run.id)
  if (first === undefined && retries.length === 0) return null
  return (
    <p className="retry-links">
      {first !== undefined && (
        <span>
          Retry of <RunLink run={first} />
        </span>
      )}
      {retries.length > 0 && (
        <span>
          Retried as{' '}
          {retries.map((retry, index) => (
            <span key={retry.id}>
              {index > 0 && ', '}
              <RunLink run={retry} />
            </span>
          ))}
        </span>
      )}
    </p>
  )
}

function RunLink({ run }: { readonly run: Run }) {
  return (
    <Link to="/runs/$runId" params={{ runId: run.id }}>
      {run.name}
    </Link>
  )
}
