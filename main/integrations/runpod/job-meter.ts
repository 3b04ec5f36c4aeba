import type { FullJobClient } from './job-client.ts'

/** A job beside the runs that was seen to end, with what the platform says it took. */
export interface MeteredJob {
  readonly jobId: string
  readonly action: string
  readonly runId: string | null
  readonly executionMs: number
}

const runIdPattern = /^runs\/([0-9a-f-]{36})\//

/** Watches a job client: every job it posts is told once when it has ended. Trainings are not, for they are runs. */
export function meterJobs<J extends Pick<FullJobClient, 'run' | 'status'>>(jobs: J, onEnded: (job: MeteredJob) => void): J {
  const open = new Map<string, { readonly action: string; readonly runId: string | null }>()
  return {
    ...jobs,
    async run(input, policy) {
      const posted = await jobs.run(input, policy)
      const action = textOf(input, 'action')
      if (action !== null && action !== 'train') open.set(posted.jobId, { action, runId: runIdOf(input) })
      return posted
    },
    async status(jobId) {
      const job = await jobs.status(jobId)
      const known = open.get(jobId)
      if (known === undefined || job.status === 'IN_QUEUE' || job.status === 'IN_PROGRESS') return job
      open.delete(jobId)
      if (job.executionTimeMs !== undefined) onEnded({ jobId, ...known, executionMs: job.executionTimeMs })
      return job
    },
  }
}

function textOf(input: unknown, name: string): string | null {
  const value: unknown = typeof input === 'object' && input !== null ? Reflect.get(input, name) : null
  return typeof value === 'string' ? value : null
}

function runIdOf(input: unknown): string | null {
  return textOf(input, 'run_id') ?? runIdPattern.exec(textOf(input, 'key') ?? textOf(input, 'prefix') ?? '')?.[1] ?? null
}
