import { z } from 'zod'
import type { EndpointHealth, JobStatus } from './job-client.ts'

const statusWords = {
  IN_QUEUE: 'IN_QUEUE',
  IN_PROGRESS: 'IN_PROGRESS',
  RUNNING: 'IN_PROGRESS',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
  TIMED_OUT: 'TIMED_OUT',
} as const

const stateSchema = z
  .string()
  .transform((word) => word.toUpperCase())
  .pipe(z.enum(Object.keys(statusWords) as [keyof typeof statusWords, ...(keyof typeof statusWords)[]]))
  .transform((word): JobStatus['status'] => statusWords[word])
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
    const error = readableError(reply.error)
    return {
      status: reply.status,
      ...(reply.output === undefined || reply.output === null ? {} : { output: reply.output }),
      ...(error === undefined ? {} : { error }),
      ...(reply.workerId === undefined ? {} : { workerId: reply.workerId }),
      ...(reply.retries === undefined ? {} : { retries: reply.retries }),
      ...(reply.delayTime === undefined ? {} : { delayTimeMs: reply.delayTime }),
      ...(reply.executionTime === undefined ? {} : { executionTimeMs: reply.executionTime }),
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

const raisedSchema = z.object({ error_type: z.string().optional(), error_message: z.string() })

/** A raised exception comes as JSON text in which only the message is for people. */
function readableError(error: unknown): string | undefined {
  if (error === undefined || error === null || error === '') return undefined
  const value = typeof error === 'string' ? parsedOr(error) : error
  const raised = raisedSchema.safeParse(value)
  if (raised.success) return raised.data.error_message === '' ? (raised.data.error_type ?? 'unknown error') : raised.data.error_message
  return typeof error === 'string' ? error : JSON.stringify(error)
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Most error texts are plain words.
    return text
  }
}
