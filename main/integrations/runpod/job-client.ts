/** What the job API says about one job; `NOT_FOUND` stands for a 404. */
export interface JobStatus {
  status: 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT' | 'NOT_FOUND'
  output?: unknown
  error?: string
  workerId?: string
  retries?: number
  delayTimeMs?: number
  executionTimeMs?: number
}

/** Counts of an endpoint's jobs and workers. */
export interface EndpointHealth {
  jobs: { completed: number; failed: number; inProgress: number; inQueue: number; retried: number }
  workers: { idle: number; initializing: number; ready: number; running: number; throttled: number; unhealthy: number }
}

/** The serverless job API of one endpoint. */
export interface JobClient {
  run(input: unknown, policy: { executionTimeoutMs: number; ttlMs: number }): Promise<{ jobId: string }>
  status(jobId: string): Promise<JobStatus>
  cancel(jobId: string): Promise<void>
  retry(jobId: string): Promise<void>
  health(): Promise<EndpointHealth>
}
