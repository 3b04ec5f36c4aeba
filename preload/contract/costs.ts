import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { countSchema, doneSchema, durationMsSchema, emptySchema, idSchema, microUsdSchema, timeMsSchema } from './primitives.ts'

/** What the app itself computes a cost for. */
const recordTypeSchema = z.enum(['training_compute', 'transfer', 'hello'])

/** How a computed amount is made up; a worker's start is an estimate. */
const costPartsSchema = z.object({ startUpMicroUsd: microUsdSchema, executionMicroUsd: microUsdSchema, idleMicroUsd: microUsdSchema })
export type CostParts = z.infer<typeof costPartsSchema>

/** One cost as it was computed here; local compute is zero and says so. */
export const costRecordSchema = z.object({
  id: idSchema,
  runId: idSchema.nullable(),
  runName: z.string(),
  type: recordTypeSchema,
  endpointKind: z.enum(['local', 'runpod']),
  endpointName: z.string(),
  /** Null where the price or the time is not known. */
  amountMicroUsd: microUsdSchema.nullable(),
  parts: costPartsSchema.nullable(),
  durationMs: durationMsSchema,
  /** The span that was computed as billed; null in records of earlier versions and where nothing was billed. */
  span: z.object({ fromMs: timeMsSchema, toMs: timeMsSchema }).nullable(),
  detail: z.string(),
  recordedAtMs: timeMsSchema,
})
export type CostRecord = z.infer<typeof costRecordSchema>

/** Spans of time, in the time zone of this computer. */
const costPeriodSchema = z.enum(['this_month', 'last_month', 'days_30', 'all'])
export type CostPeriod = z.infer<typeof costPeriodSchema>

/** What money went to; `rest` is what RunPod billed beyond, or below, what was computed here. */
const costTypeSchema = z.enum(['training_compute', 'transfer', 'hello', 'storage', 'rest'])

/** One amount on one day. */
const costEntrySchema = z.object({
  key: z.string(),
  /** The first moment of the day. */
  dayMs: timeMsSchema,
  type: costTypeSchema,
  runId: idSchema.nullable(),
  name: z.string(),
  endpointName: z.string(),
  /** Below zero only where RunPod billed less than was computed; null where it is not known. */
  amountMicroUsd: z.int().nullable(),
  /** Of the whole record, which may have run over several days. */
  parts: costPartsSchema.nullable(),
  durationMs: durationMsSchema.nullable(),
  /** `computed`: seconds times price; `checked`: computed, and RunPod's bill covers it; `billed`: from the bill. */
  basis: z.enum(['free', 'running', 'computed', 'checked', 'billed']),
  detail: z.string(),
})
export type CostEntry = z.infer<typeof costEntrySchema>

/** RunPod's bill of one endpoint on one day beside what was computed. */
const billComparisonSchema = z.object({
  key: z.string(),
  dayMs: timeMsSchema,
  endpointName: z.string(),
  billedMicroUsd: z.int(),
  recordedMicroUsd: microUsdSchema,
  /** `waiting`: the bill lags behind the runs; `missing`: a day later it still has nothing. */
  state: z.enum(['agrees', 'more', 'less', 'waiting', 'missing']),
})
export type BillComparison = z.infer<typeof billComparisonSchema>

/** When the bill of an endpoint or a volume was last read, and why it could not be. */
const billCheckSchema = z.object({
  subject: z.enum(['endpoint', 'volume']),
  remoteId: z.string(),
  name: z.string(),
  readAtMs: timeMsSchema.nullable(),
  problem: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type BillCheck = z.infer<typeof billCheckSchema>

/** How the month stands against its budget. */
const monthStandingSchema = z.object({
  fromMs: timeMsSchema,
  toMs: timeMsSchema,
  /** Null where there is none. */
  budgetMicroUsd: microUsdSchema.nullable(),
  spentMicroUsd: z.int(),
  /** What active runs may still cost at most; null where the price of one is not known. */
  committedMicroUsd: microUsdSchema.nullable(),
  /** What a further run may cost; null without a budget, or where it is not known. */
  leftMicroUsd: microUsdSchema.nullable(),
})
export type MonthStanding = z.infer<typeof monthStandingSchema>

const costOverviewSchema = z.object({
  /** Null bounds where everything is asked for. */
  fromMs: timeMsSchema.nullable(),
  toMs: timeMsSchema.nullable(),
  /** When this was summed up. */
  asOfMs: timeMsSchema,
  totalMicroUsd: z.int(),
  runsMicroUsd: z.int(),
  storageMicroUsd: z.int(),
  otherMicroUsd: z.int(),
  runs: countSchema,
  /** Entries whose cost is not known, so that the totals lack them. */
  unknown: countSchema,
  entries: z.array(costEntrySchema),
  comparisons: z.array(billComparisonSchema),
  checks: z.array(billCheckSchema),
  month: monthStandingSchema,
})
export type CostOverview = z.infer<typeof costOverviewSchema>

export const costRoutes = defineRoutes({
  'costs.list': {
    input: z.strictObject({ fromMs: timeMsSchema.nullable(), toMs: timeMsSchema.nullable() }),
    output: z.object({ totalMicroUsd: microUsdSchema, runs: countSchema, records: z.array(costRecordSchema) }),
  },
  'costs.overview': { input: z.strictObject({ period: costPeriodSchema }), output: costOverviewSchema },
  /** Reads RunPod's bill now; what could not be read is told in the overview. */
  'costs.check': { input: emptySchema, output: doneSchema },
  /** Asks where to save and writes the entries of a period as CSV; null when the user closes the dialog. */
  'costs.exportCsv': { input: z.strictObject({ period: costPeriodSchema }), output: z.object({ path: z.string() }).nullable() },
})

export const costEvents = defineEvents({ 'costs.changed': z.object({}) })
