import { median } from '../progress/live.ts'
import type { Likely } from './likely.ts'

/** An earlier run as a measure for the next one; what is absent is taken to be as in the next one. */
export interface PaceRecord {
  readonly runId: string
  /** From the start of the job to the end of the run. */
  readonly durationMs: number | null
  readonly steps: readonly { readonly stepMs: number; readonly tokens: number }[]
  readonly isSameModel?: boolean
  readonly activeParameters?: number | null
  readonly isMixture?: boolean
  readonly isIn4bit?: boolean
  /** Median of its evaluations and the rows each of them went through. */
  readonly evalMs?: number | null
  readonly rowsEval?: number | null
  readonly evaluations?: number | null
  /** Time of all its steps; `steps` may hold only the last ones. */
  readonly trainMs?: number | null
}

/** What the next run is like, to choose the earlier ones that resemble it. */
export interface PaceWanted {
  readonly activeParameters: number | null
  readonly isMixture: boolean
  readonly isIn4bit: boolean
}

/** The pace of earlier runs, brought to the size of the next model. */
export interface Pace {
  readonly runs: number
  readonly isSameModel: boolean
  readonly msPerToken: Likely
  /** Starting, loading, measuring the base, saving and packaging; null when no run went to its end. */
  readonly besideMs: Likely | null
  readonly msPerEvalRow: number | null
}

const runsUsed = 3
/** The most steps that are read of one run. */
export const mostSteps = 200
/** Models this near in size are of one class; time per token is then in proportion to the size. */
const nearestSizes = { from: 0.7, to: 1.4 }

/** The pace of the runs that resemble the next one most; undefined when none does. */
export function paceFrom(records: readonly PaceRecord[], wanted: PaceWanted): Pace | undefined {
  const alike = records.filter((record) => record.steps.length > 0 && (record.isIn4bit ?? wanted.isIn4bit) === wanted.isIn4bit)
  const same = alike.filter((record) => record.isSameModel ?? true)
  const used = (same.length > 0 ? same : alike.filter((record) => isNear(record, wanted))).slice(0, runsUsed)
  if (used.length === 0) return undefined
  const times = used
    .flatMap((record) => record.steps.map((step) => (step.stepMs / step.tokens) * sizeRatio(record, wanted)))
    .toSorted((a, b) => a - b)
  const quantile = (share: number, round: (value: number) => number) => times[round((times.length - 1) * share)] ?? 0
  const low = quantile(0.25, Math.floor)
  const high = quantile(0.75, Math.ceil)
  return {
    runs: used.length,
    isSameModel: same.length > 0,
    msPerToken: { low, mid: median(times) ?? low, high },
    besideMs: besideOf(used),
    msPerEvalRow: median(used.flatMap(evalMsPerRow)),
  }
}

function isNear(record: PaceRecord, wanted: PaceWanted): boolean {
  if ((record.isMixture ?? false) !== wanted.isMixture) return false
  if (record.activeParameters === undefined || record.activeParameters === null || wanted.activeParameters === null) return false
  const ratio = wanted.activeParameters / record.activeParameters
  return ratio >= nearestSizes.from && ratio <= nearestSizes.to
}

function sizeRatio(record: PaceRecord, wanted: PaceWanted): number {
  if (record.activeParameters === undefined || record.activeParameters === null || wanted.activeParameters === null) return 1
  return (record.isSameModel ?? true) ? 1 : wanted.activeParameters / record.activeParameters
}

function besideOf(records: readonly PaceRecord[]): Likely | null {
  const beside = records.flatMap((record) => {
    if (record.durationMs === null) return []
    const stepsMs = record.trainMs ?? (record.steps.length < mostSteps ? record.steps.reduce((sum, step) => sum + step.stepMs, 0) : null)
    if (stepsMs === null) return []
    const evalsMs = (record.evalMs ?? 0) * (record.evaluations ?? 0)
    return [Math.max(0, record.durationMs - stepsMs - evalsMs)]
  })
  const mid = median(beside)
  return mid === null ? null : { low: Math.min(...beside), mid, high: Math.max(...beside) }
}

function evalMsPerRow({ evalMs, rowsEval }: PaceRecord): readonly number[] {
  return evalMs === undefined || evalMs === null || rowsEval === undefined || rowsEval === null || rowsEval === 0 ? [] : [evalMs / rowsEval]
}
