import { z } from 'zod'
import { runHeadSchema, type RunHead } from '../../../../preload/contract/runs.ts'

/** What a run looks like now: the newest scalars and the words for the current stage; stored with the event cursor. */
export const liveSchema = z.object({
  head: runHeadSchema,
  stageDetail: z.string().nullable(),
  /** Median milliseconds of an evaluation; null before the first. */
  evalMs: z.number().nullable(),
  /** Step of the newest checkpoint that the worker has told of; null before the first. */
  savedStep: z.int().positive().nullable().default(null),
})
export type Live = z.infer<typeof liveSchema>

const emptyHead: RunHead = {
  step: 0,
  epoch: 0,
  loss: null,
  lossFirst: null,
  evalLoss: null,
  evalLossBase: null,
  evalLossBest: null,
  learningRate: null,
  gradNorm: null,
  tokensPerSecond: null,
  tokens: 0,
  memoryBytes: null,
  memoryPeakBytes: null,
  stepMs: null,
}

/** Before the worker has reported anything. */
export const emptyLive: Live = { head: emptyHead, stageDetail: null, evalMs: null, savedStep: null }

/** The middle value; null for an empty list. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}
