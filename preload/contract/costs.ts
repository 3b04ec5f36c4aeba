import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { countSchema, durationMsSchema, idSchema, microUsdSchema, timeMsSchema } from './primitives.ts'

/** One cost of one ended run; local compute is zero and says so. */
export const costRecordSchema = z.object({
  id: idSchema,
  runId: idSchema.nullable(),
  runName: z.string(),
  type: z.enum(['training_compute']),
  endpointKind: z.enum(['local', 'runpod']),
  amountMicroUsd: microUsdSchema,
  durationMs: durationMsSchema,
  detail: z.string(),
  recordedAtMs: timeMsSchema,
})
export type CostRecord = z.infer<typeof costRecordSchema>

export const costRoutes = defineRoutes({
  'costs.list': {
    input: z.strictObject({ fromMs: timeMsSchema.nullable(), toMs: timeMsSchema.nullable() }),
    output: z.object({ totalMicroUsd: microUsdSchema, runs: countSchema, records: z.array(costRecordSchema) }),
  },
})

export const costEvents = defineEvents({ 'costs.changed': z.object({}) })
