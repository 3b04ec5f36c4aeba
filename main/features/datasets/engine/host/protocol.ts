import { z } from 'zod'
import { datasetTaskSchema } from '../../../../../preload/contract/datasets.ts'
import { errorEnvelopeSchema } from '../../../../../preload/contract/error-envelope.ts'

/** A call of one of the engine's functions. */
export const callSchema = z.object({ type: z.literal('call'), id: z.int(), method: z.string(), args: z.array(z.unknown()) })
export type Call = z.infer<typeof callSchema>

/** What the engine's process says. */
export const engineMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('answer'), id: z.int(), value: z.unknown() }),
  z.object({ type: z.literal('refusal'), id: z.int(), error: errorEnvelopeSchema }),
  /** A failure that nobody expected. */
  z.object({ type: z.literal('fault'), id: z.int(), message: z.string(), stack: z.string() }),
  z.object({ type: z.literal('tasks'), key: z.string(), tasks: z.array(datasetTaskSchema) }),
])
export type EngineMessage = z.infer<typeof engineMessageSchema>

/** What the process is started with, as JSON in its first argument. */
export const hostConfigSchema = z.object({
  workerScript: z.string(),
  workers: z.int().min(1).max(16),
  nativeBinding: z.string().optional(),
})
export type HostConfig = z.infer<typeof hostConfigSchema>
