import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { byIdSchema, countSchema, emptySchema, idSchema, microUsdSchema, rangeSchema, timeMsSchema } from './primitives.ts'
import { runConfigSchema, runSchema } from './runs.ts'

/** Why a queued run or the whole queue waits, with the next action. */
export const queueReasonSchema = z.object({
  code: z.enum(['preflight', 'price', 'price_unknown', 'room', 'budget', 'cost_unknown', 'failures', 'user']),
  text: z.string(),
  advice: z.string(),
})
export type QueueReason = z.infer<typeof queueReasonSchema>

/** Why a run waits although its turn has come; a new price waits for the user's word. */
export const queueHoldSchema = queueReasonSchema.extend({ askedPriceMicroUsdPerHour: countSchema.nullable() })
export type QueueHold = z.infer<typeof queueHoldSchema>

/** What the user decides about the queue as a whole. */
export const queueSettingsSchema = z.strictObject({
  /** The most all queued runs together may cost; null for no shared limit. */
  budgetMicroUsd: microUsdSchema.min(10_000, 'A budget starts at one cent').nullable(),
  /** Runs on RunPod at the same time; this computer always takes one. */
  runpodAtOnce: z.int().min(1).max(10),
  onFailure: z.enum(['pause_after_two', 'go_on']),
})
export type QueueSettings = z.infer<typeof queueSettingsSchema>

/** How the shared budget stands; null where a cost is not known. */
export const queueMoneySchema = z.object({
  spentMicroUsd: microUsdSchema.nullable(),
  reservedMicroUsd: microUsdSchema.nullable(),
  leftMicroUsd: microUsdSchema.nullable(),
})
export type QueueMoney = z.infer<typeof queueMoneySchema>

/** One waiting run in its order. */
const queueEntrySchema = z.object({
  run: runSchema,
  durationMs: rangeSchema.nullable(),
  costMicroUsd: rangeSchema.nullable(),
  hold: queueHoldSchema.nullable(),
})
export type QueueEntry = z.infer<typeof queueEntrySchema>

/** The queue as the windows see it. */
export const runQueueSchema = z.object({
  settings: queueSettingsSchema,
  /** Set while the queue starts nothing. */
  paused: queueReasonSchema.nullable(),
  money: queueMoneySchema,
  /** From when on ended runs count against the shared budget. */
  countsSinceMs: timeMsSchema,
  /** Runs of the queue that are under way. */
  underWay: countSchema,
  entries: z.array(queueEntrySchema),
})
export type RunQueue = z.infer<typeof runQueueSchema>

export const queueRoutes = defineRoutes({
  'runs.enqueue': {
    input: z.strictObject({
      config: runConfigSchema,
      name: z.string().trim().max(200),
      /** The run that this one tries again. */
      retryOf: idSchema.nullable().optional(),
    }),
    output: runSchema,
  },
  'runs.getQueue': { input: emptySchema, output: runQueueSchema },
  'runs.updateQueue': { input: queueSettingsSchema.partial(), output: runQueueSchema },
  'runs.pauseQueue': { input: emptySchema, output: runQueueSchema },
  'runs.resumeQueue': { input: emptySchema, output: runQueueSchema },
  /** Counts only what is spent from now on against the shared budget. */
  'runs.recountQueue': { input: emptySchema, output: runQueueSchema },
  /** Moves a waiting run to a place, counted from 0. */
  'runs.moveQueued': { input: z.strictObject({ id: idSchema, toIndex: countSchema }), output: runQueueSchema },
  'runs.leaveQueue': { input: byIdSchema, output: runQueueSchema },
  /** Lets a waiting run start at the price it was asked about, and not above. */
  'runs.agreeToPrice': {
    input: z.strictObject({ id: idSchema, priceMicroUsdPerHour: countSchema }),
    output: runQueueSchema,
  },
})

export const queueEvents = defineEvents({ 'runs.queueChanged': z.object({}) })
