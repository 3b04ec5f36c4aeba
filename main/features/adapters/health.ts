import type { TrainingHealth } from '../../../preload/contract/adapters.ts'
import type { WorkerResult } from '../../../preload/contract/worker.ts'
import { improvementInterval, median, spikeShare, tailOf, trendOf, type LossPoint } from './health-statistics.ts'

/** Everything a rating rests on; all of it was measured by the trainer. */
export interface TrainingEvidence {
  readonly result: Pick<
    WorkerResult,
    | 'error'
    | 'ended_by'
    | 'eval_loss_base'
    | 'eval_loss_best'
    | 'eval_loss_last'
    | 'best_step'
    | 'eval_rows'
    | 'rows_truncated'
    | 'rows_dropped'
  >
  /** Rows the run was given, those left out included; null when unknown. */
  readonly rowsTotal: number | null
  /** Training loss of every step, in order. */
  readonly train: readonly LossPoint[]
}

type Reason = TrainingHealth['reasons'][number]

interface Losses {
  readonly base: number
  readonly best: number
  readonly last: number
}

const starSteps: readonly { readonly below: number; readonly stars: number }[] = [
  { below: 0.01, stars: 1 },
  { below: 0.05, stars: 2 },
  { below: 0.15, stars: 3 },
  { below: 0.3, stars: 4 },
]
const fewestHeldOutRows = 30
const stillFallingPer100Steps = -0.05

/** Rates how a training went, 1 to 5, from held-out loss; not rated (null) when there is none. */
export function rateTraining(evidence: TrainingEvidence): TrainingHealth {
  const { eval_loss_base: base, eval_loss_best: best, eval_loss_last: last } = evidence.result
  if (base === null || best === null) {
    const reasons = [
      notMeasured(base),
      ...divergence(evidence, []),
      ...withoutCap([...spikes(evidence), ...lostRows(evidence)]),
      ...slope(evidence),
    ]
    return { stars: null, summary: 'Not rated: there is no held-out loss to judge by.', reasons }
  }
  const losses: Losses = { base, best, last: last ?? best }
  const reasons = [
    improvement(losses),
    ...interval(evidence),
    ...divergence(evidence, [losses.base, losses.best, losses.last]),
    endedWorse(losses, evidence.result.best_step),
    overfit(losses),
    ...gap(losses, evidence),
    ...spikes(evidence),
    heldOutRows(evidence),
    ...lostRows(evidence),
    ...slope(evidence),
    ...perplexity(losses),
  ]
  const stars = Math.min(5, ...reasons.flatMap(({ cap }) => (cap === null ? [] : [cap])))
  return { stars, summary: `${stars} of 5: held-out loss went from ${loss(base)} (base model) to ${loss(best)}.`, reasons }
}

function notMeasured(base: number | null): Reason {
  const text =
    base === null
      ? 'No rows were held out, so there is nothing to compare with. Hold out a share of the rows in the next run.'
      : 'The run ended before its adapter was measured on the held-out rows.'
  return { id: 'not_measured', text, cap: null }
}

function improvement({ base, best }: Losses): Reason {
  const share = (base - best) / base
  // Not a number (a base loss of 0) is no improvement either.
  const stars = Number.isFinite(share) ? (starSteps.find(({ below }) => share < below)?.stars ?? 5) : 1
  const text = `Held-out loss is ${percent(Math.abs(share))} ${share < 0 ? 'higher' : 'lower'} than the base model's (5 stars from 30 %).`
  return { id: 'improvement', text, cap: stars === 5 ? null : stars }
}

function interval({ result }: TrainingEvidence): Reason[] {
  const found = result.eval_rows === null ? undefined : improvementInterval(result.eval_rows)
  if (found === undefined) return []
  const includesZero = found.low <= 0 && found.high >= 0
  const range = `95 % interval of the improvement: ${loss(found.low)} to ${loss(found.high)}`
  return [
    { id: 'interval', text: includesZero ? `${range}, so it may be chance.` : `${range}, which excludes 0.`, cap: includesZero ? 2 : null },
  ]
}

function divergence({ result, train }: TrainingEvidence, evals: readonly number[]): Reason[] {
  const isFinite = [...train.map((point) => point.loss), ...evals].every((value) => Number.isFinite(value))
  if (isFinite && result.error?.code !== 'DIVERGED' && result.ended_by !== 'diverged') return []
  return [
    {
      id: 'diverged',
      text: 'The training diverged: its loss stopped being usable. Lower the learning rate.',
      cap: evals.length === 0 ? null : 1,
    },
  ]
}

function endedWorse({ base, best, last }: Losses, bestStep: number | null): Reason {
  if (last <= base) return { id: 'ended_worse', text: `Held-out loss ended at ${loss(last)}, not above the base model's.`, cap: null }
  const saved = bestStep === null ? '' : ` The best checkpoint, step ${bestStep} at ${loss(best)}, is the one that was saved.`
  return { id: 'ended_worse', text: `Held-out loss ended at ${loss(last)}, above the base model's ${loss(base)}.${saved}`, cap: 2 }
}

function overfit({ best, last }: Losses): Reason {
  const ratio = last / best
  const text = `Held-out loss ended at ${ratio.toFixed(2)} times its best (overfitting above 1.2).`
  return { id: 'overfit', text, cap: ratio > 1.2 ? 3 : null }
}

function gap({ best }: Losses, { train }: TrainingEvidence): Reason[] {
  const tail = median(tailOf(train).map((point) => point.loss))
  if (tail === undefined) return []
  const ratio = best / tail
  const text = `Held-out loss is ${ratio.toFixed(2)} times the training loss at the end (${loss(tail)}); above 1.5 the rows are being memorised.`
  return [{ id: 'gap', text, cap: ratio > 2 ? 3 : ratio > 1.5 ? 4 : null }]
}

function spikes({ train }: TrainingEvidence): Reason[] {
  if (train.length === 0) return []
  const share = spikeShare(train)
  return [{ id: 'spikes', text: `${percent(share)} of the steps have a loss spike (unsteady above 2 %).`, cap: share > 0.02 ? 3 : null }]
}

function heldOutRows({ result }: TrainingEvidence): Reason {
  const rows = result.eval_rows?.length
  if (rows === undefined) return { id: 'held_out_rows', text: 'The losses of the single held-out rows are not known.', cap: 3 }
  return {
    id: 'held_out_rows',
    text: `Measured on ${rows} held-out rows (30 or more give a firm figure).`,
    cap: rows < fewestHeldOutRows ? 3 : null,
  }
}

function lostRows({ result, rowsTotal }: TrainingEvidence): Reason[] {
  if (rowsTotal === null || rowsTotal === 0) return []
  const share = (result.rows_truncated + result.rows_dropped) / rowsTotal
  const text = `${percent(share)} of the rows were cut short or left out (${result.rows_truncated} and ${result.rows_dropped} of ${rowsTotal}).`
  return [{ id: 'lost_rows', text, cap: share > 0.05 ? 4 : null }]
}

function slope({ train }: TrainingEvidence): Reason[] {
  const trend = trendOf(tailOf(train))
  if (trend === undefined) return []
  const rate = `${trend.per100Steps.toFixed(2)} per 100 steps`
  if (trend.isSignificant && trend.per100Steps <= stillFallingPer100Steps)
    return [{ id: 'slope', text: `The training loss was still falling at the end (${rate}): one more epoch may help.`, cap: null }]
  return [{ id: 'slope', text: `Trend of the training loss at the end: ${rate}.`, cap: null }]
}

function perplexity({ base, best }: Losses): Reason[] {
  const [before, after] = [Math.exp(base), Math.exp(best)]
  if (!(before < 1e6 && after < 1e6)) return []
  return [{ id: 'perplexity', text: `Perplexity on the held-out rows: ${before.toFixed(2)} before, ${after.toFixed(2)} after.`, cap: null }]
}

function withoutCap(reasons: readonly Reason[]): Reason[] {
  return reasons.map((reason) => ({ ...reason, cap: null }))
}

function loss(value: number): string {
  return value.toFixed(3)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
