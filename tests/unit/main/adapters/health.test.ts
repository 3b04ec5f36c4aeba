import { describe, expect, it } from 'vitest'
import { rateTraining, type TrainingEvidence } from '../../../../main/features/adapters/health.ts'
import { improvementInterval, spikeShare, trendOf } from '../../../../main/features/adapters/health-statistics.ts'
import type { WorkerResult } from '../../../../preload/contract/worker.ts'

/** Noise that is the same in every run of the tests. */
function noise(at: number): number {
  const x = Math.sin(at * 12.9898) * 43758.5453
  return (x - Math.floor(x) - 0.5) * 2
}

function curve(lossAt: (step: number) => number, steps = 200) {
  return Array.from({ length: steps }, (_, at) => ({ step: at + 1, loss: lossAt(at + 1) + 0.03 * noise(at) }))
}
const falling = (from: number, to: number, pace: number) => (step: number) => to + (from - to) * Math.exp(-step / pace)

function rows(base: number, best: number, count = 60, spread = 0.05): WorkerResult['eval_rows'] {
  return Array.from({ length: count }, (_, at) => [base + spread * noise(at), best + spread * noise(at + 1000), 20])
}

interface Losses {
  base?: number | null
  best?: number | null
  last?: number
}

function evidence(
  { base = 2, best = 1.2, last = best ?? 0 }: Losses,
  changes: Partial<TrainingEvidence['result']> = {},
  rest: Partial<TrainingEvidence> = {},
): TrainingEvidence {
  return {
    result: {
      error: null,
      eval_loss_base: base,
      eval_loss_best: best,
      eval_loss_last: last,
      best_step: 150,
      eval_rows: base === null || best === null ? null : rows(base, best),
      rows_truncated: 0,
      rows_dropped: 0,
      ...changes,
    },
    rowsTotal: 300,
    train: curve(falling(2.4, 1.15, 15)),
    ...rest,
  }
}
const starsOf = (...input: Parameters<typeof evidence>) => rateTraining(evidence(...input)).stars
const capOf = (id: string, ...input: Parameters<typeof evidence>) =>
  rateTraining(evidence(...input)).reasons.find((reason) => reason.id === id)?.cap

describe('training health of whole curves', () => {
  it('healthy: 5', () => {
    expect(starsOf({})).toBe(5)
  })

  it('a run that ended by divergence is capped although its result holds no error', () => {
    expect(starsOf({}, { ended_by: 'diverged' })).toBe(1)
    expect(starsOf({}, { ended_by: 'early_stopping' })).toBe(5)
  })

  it('undertrained: 4, with the advice to train longer', () => {
    const health = rateTraining(evidence({ best: 1.5 }, {}, { train: curve((step) => 2 - 0.0025 * step) }))
    expect(health.stars).toBe(4)
    expect(health.reasons.find((reason) => reason.id === 'slope')?.text).toContain('one more epoch')
  })

  it('spiky: 3', () => {
    const smooth = falling(2.4, 1.15, 15)
    expect(starsOf({}, {}, { train: curve((step) => (step % 20 === 0 ? 3 * smooth(step) : smooth(step))) })).toBe(3)
  })

  it('flat: 2', () => {
    expect(starsOf({ best: 1.97 }, {}, { train: curve(() => 2) })).toBe(2)
  })

  it('overfit to worse than the base model: 2, and it says which checkpoint was kept', () => {
    const health = rateTraining(evidence({ best: 1.5, last: 2.4 }, { best_step: 40 }, { train: curve(falling(2.4, 0.3, 60)) }))
    expect(health.stars).toBe(2)
    expect(health.reasons.find((reason) => reason.id === 'ended_worse')?.text).toContain('step 40')
  })

  it('diverging: 2 while its losses are numbers, 1 when the trainer gave up', () => {
    const train = curve((step) => (step < 100 ? 2 - step / 200 : 1.5 + (step - 100) / 10))
    expect(starsOf({ best: 1.6, last: 9 }, {}, { train })).toBe(2)
    const error = { code: 'DIVERGED' as const, message: '', advice: '' }
    expect(starsOf({ best: 1.6, last: 9 }, { error }, { train })).toBe(1)
  })
})

describe('stars by improvement', () => {
  // Losses of 100 and below make the shares exact.
  it.each([
    [99.5, 1],
    [99, 2],
    [95.5, 2],
    [95, 3],
    [85.5, 3],
    [85, 4],
    [70.5, 4],
    [70, 5],
    [101, 1],
  ])('from 100 to %d: %d', (best, stars) => {
    expect(starsOf({ base: 100, best, last: Math.min(best, 100) }, {}, { train: curve(() => best) })).toBe(stars)
  })
})

describe('caps, exactly at their limits', () => {
  it('ended worse than the base model', () => {
    expect([capOf('ended_worse', { last: 2 }), capOf('ended_worse', { last: 2.001 })]).toEqual([null, 2])
  })

  it('ended above 1.2 times the best', () => {
    expect([capOf('overfit', { base: 20, best: 10, last: 12 }), capOf('overfit', { base: 20, best: 10, last: 12.01 })]).toEqual([null, 3])
  })

  it('held-out loss above 1.5 and above 2 times the training loss', () => {
    const at = (best: number) =>
      capOf('gap', { base: 4, best }, {}, { train: Array.from({ length: 50 }, (_, step) => ({ step, loss: 1 })) })
    expect([at(1.5), at(1.51), at(2), at(2.01)]).toEqual([null, 4, 4, 3])
  })

  it('spikes in more than 2 % of the steps', () => {
    const withSpikes = (count: number) =>
      Array.from({ length: 100 }, (_, step) => ({ step, loss: step % 30 === 5 && step / 30 < count ? 5 : 1 }))
    expect([capOf('spikes', {}, {}, { train: withSpikes(2) }), capOf('spikes', {}, {}, { train: withSpikes(3) })]).toEqual([null, 3])
  })

  it('fewer than 30 held-out rows', () => {
    const at = (count: number) => capOf('held_out_rows', {}, { eval_rows: rows(2, 1.2, count) })
    expect([at(29), at(30)]).toEqual([3, null])
    expect(capOf('held_out_rows', {}, { eval_rows: null })).toBe(3)
  })

  it('more than 5 % of the rows cut short or left out', () => {
    const at = (truncated: number) => capOf('lost_rows', {}, { rows_truncated: truncated, rows_dropped: 5 })
    expect([at(10), at(11)]).toEqual([null, 4])
  })

  it('an improvement that may be chance gets 2 at most', () => {
    const unsure: WorkerResult['eval_rows'] = Array.from({ length: 40 }, (_, at) => [2, at % 2 === 0 ? 0.1 : 3.4, 20])
    expect(starsOf({ base: 2, best: 1.55 }, { eval_rows: unsure })).toBe(2)
    expect(capOf('interval', { base: 2, best: 1.2 })).toBeNull()
  })

  it('a loss that is not a number gets 1', () => {
    expect(starsOf({}, {}, { train: [...curve(() => 1), { step: 201, loss: Number.NaN }] })).toBe(1)
  })
})

describe('what is not rated', () => {
  it('a run without held-out rows gets no stars, and no made-up perplexity', () => {
    const health = rateTraining(evidence({ base: null, best: null }))
    expect(health.stars).toBeNull()
    expect(health.summary).toContain('Not rated')
    expect(health.reasons.every((reason) => reason.cap === null)).toBe(true)
    expect(health.reasons.map((reason) => reason.id)).not.toContain('perplexity')
  })

  it('a run stopped before its first measurement is not rated either', () => {
    expect(starsOf({ base: 2, best: null })).toBeNull()
  })

  it('perplexity is the exponential of a computed loss', () => {
    const text = rateTraining(evidence({})).reasons.find((reason) => reason.id === 'perplexity')?.text
    expect(text).toContain(`${Math.exp(2).toFixed(2)} before, ${Math.exp(1.2).toFixed(2)} after`)
  })

  it('a run with no training curve at all is rated by its held-out loss', () => {
    expect(starsOf({}, {}, { train: [] })).toBe(5)
  })
})

describe('statistics', () => {
  it('the interval is the same every time and holds the mean weighted by tokens', () => {
    const pairs = Array.from({ length: 50 }, (_, at) => [3, at < 25 ? 1 : 2, at < 25 ? 30 : 10] as const)
    const interval = improvementInterval(pairs)
    expect(interval).toEqual(improvementInterval(pairs))
    expect(interval?.low).toBeGreaterThan(1.5)
    expect(interval?.low).toBeLessThan(1.75)
    expect(interval?.high).toBeGreaterThan(1.75)
    expect(interval?.high).toBeLessThan(2)
  })

  it('rows without label tokens do not decide', () => {
    expect(improvementInterval([[1, 2, 0]])).toBeUndefined()
  })

  it('the steep start of a healthy curve is no spike', () => {
    expect(spikeShare(curve(falling(8, 1, 5)))).toBe(0)
  })

  it('the slope ignores single outliers and knows noise from a trend', () => {
    const straight = Array.from({ length: 40 }, (_, step) => ({ step, loss: step === 20 ? 99 : 5 - 0.01 * step }))
    expect(trendOf(straight)?.per100Steps).toBeCloseTo(-1, 6)
    expect(trendOf(straight)?.isSignificant).toBe(true)
    expect(trendOf(Array.from({ length: 40 }, (_, step) => ({ step, loss: 1 + 0.2 * noise(step) })))?.isSignificant).toBe(false)
  })

  it('a long curve is thinned out without changing its slope', () => {
    const long = Array.from({ length: 5000 }, (_, step) => ({ step, loss: 9 - 0.001 * step }))
    expect(trendOf(long)?.per100Steps).toBeCloseTo(-0.1, 3)
  })
})
