import { z } from 'zod'
import type { EndpointHealth, JobStatus } from './job-client.ts'
import { readJobError, wordsOfJobError } from './job-error.ts'

const statusWords = {
  IN_QUEUE: 'IN_QUEUE',
  IN_PROGRESS: 'IN_PROGRESS',
  RUNNING: 'IN_PROGRESS',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
  TIMED_OUT: 'TIMED_OUT',
} as const

const statusOf: ReadonlyMap<string, JobStatus['status']> = new Map(Object.entries(statusWords))

/** A word this version does not know is an error that may pass: to take it for another could end or repeat a job that costs money. */
const stateSchema = z.string().transform((word, context): JobStatus['status'] => {
  const status = statusOf.get(word.trim().toUpperCase())
  if (status !== undefined) return status
  context.addIssue({ code: 'custom', message: `unknown status ${JSON.stringify(word.slice(0, 40))}` })
  return z.NEVER
})
const numberOrNothing = z.number().nonnegative().optional().catch(undefined)
const textOrNothing = z.string().optional().catch(undefined)

/** Answer of /run. */
export const runReplySchema = z.object({ id: z.string().min(1) })

/** Answer of /status; everything but the status itself may be missing or odd. */
export const statusReplySchema = z
  .object({
    status: stateSchema,
    output: z.unknown().optional(),
    error: z.unknown().optional(),
    workerId: textOrNothing,
    retries: numberOrNothing,
    delayTime: numberOrNothing,
    executionTime: numberOrNothing,
  })
  .transform((reply): JobStatus => {
    const error = readJobError(reply.error)
    const hasOutput = reply.output !== undefined && reply.output !== null
    // A job that waits again still carries the figures of the attempt before.
    const isWaiting = reply.status === 'IN_QUEUE'
    return {
      status: reply.status,
      ...(hasOutput ? { output: reply.output } : {}),
      ...(error === undefined ? {} : { error: wordsOfJobError(error) }),
      ...(reply.workerId === undefined || isWaiting ? {} : { workerId: reply.workerId }),
      ...(reply.retries === undefined ? {} : { retries: reply.retries }),
      ...(reply.delayTime === undefined || isWaiting ? {} : { delayTimeMs: reply.delayTime }),
      ...(reply.executionTime === undefined || isWaiting ? {} : { executionTimeMs: reply.executionTime }),
    }
  })

/** Answer of /stream: each chunk is handed out once. */
export const streamReplySchema = z.object({
  status: stateSchema,
  stream: z.array(z.object({ output: z.unknown().optional() })).default([]),
})

const count = z.int().nonnegative().catch(0)
/** Answer of /health; counts that are missing are zero. */
export const healthReplySchema = z.object({
  jobs: z.object({ completed: count, failed: count, inProgress: count, inQueue: count, retried: count }),
  workers: z.object({ idle: count, initializing: count, ready: count, running: count, throttled: count, unhealthy: count }),
}) satisfies z.ZodType<EndpointHealth>

export const purgeReplySchema = z.object({ removed: z.int().nonnegative() })

/** The part of an endpoint's settings that decides whether jobs can run. */
export const endpointReplySchema = z.object({
  name: textOrNothing,
  workers: z.object({ min: numberOrNothing, max: z.int().nonnegative() }),
})
