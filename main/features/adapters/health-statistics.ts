/** One point of a loss curve. */
export interface LossPoint {
  readonly step: number
  readonly loss: number
}

/** Loss of the base model and of the adapter on one held-out row, and its weight in tokens. */
export type PairedRow = readonly [baseLoss: number, adapterLoss: number, tokens: number]

/** Middle value; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2
}

const spikeWindow = 31
const precedingSteps = 5

/** Share of the steps that rise out of their surroundings: above median + 6·MAD and above 1.2 × median. */
export function spikeShare(curve: readonly LossPoint[]): number {
  if (curve.length === 0) return 0
  const losses = curve.map((point) => point.loss)
  // A window around each step, because a healthy curve falls and its first steps would stand out of the whole.
  const spikes = losses.filter((loss, at) => {
    const start = Math.max(0, Math.min(at - (spikeWindow - 1) / 2, losses.length - spikeWindow))
    const around = losses.slice(start, start + spikeWindow)
    const middle = median(around) ?? loss
    const deviation = median(around.map((other) => Math.abs(other - middle))) ?? 0
    // The steep start of a good run lies far above what follows, but it does not rise.
    const before = median(losses.slice(Math.max(0, at - precedingSteps), at)) ?? loss
    return loss > middle + 6 * deviation && loss > 1.2 * middle && loss > 1.2 * before
  })
  return spikes.length / losses.length
}

const tailShare = 0.2
const tailLeastPoints = 5

/** The last fifth of a curve, at least five points where there are that many. */
export function tailOf(curve: readonly LossPoint[]): readonly LossPoint[] {
  return curve.slice(-Math.max(tailLeastPoints, Math.ceil(curve.length * tailShare)))
}

/** A robust slope and whether it is more than noise. */
export interface Trend {
  readonly per100Steps: number
  readonly isSignificant: boolean
}

const mostTrendPoints = 200

/** Theil–Sen slope with the Mann–Kendall test at 95 %; undefined for fewer than five points. */
export function trendOf(points: readonly LossPoint[]): Trend | undefined {
  const curve = thinOut(points)
  const slopes = curve.flatMap((later, at) =>
    curve
      .slice(0, at)
      .flatMap((earlier) => (later.step === earlier.step ? [] : [(later.loss - earlier.loss) / (later.step - earlier.step)])),
  )
  const slope = median(slopes)
  const count = curve.length
  if (slope === undefined || count < tailLeastPoints) return undefined
  const score = Math.abs(slopes.reduce((sum, value) => sum + Math.sign(value), 0))
  const deviation = Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18)
  return { per100Steps: slope * 100, isSignificant: (score - 1) / deviation > 1.96 }
}

/** Averages neighbours, because the pairs grow with the square of the points. */
function thinOut(points: readonly LossPoint[]): readonly LossPoint[] {
  const perPoint = Math.ceil(points.length / mostTrendPoints)
  if (perPoint <= 1) return points
  return Array.from({ length: Math.ceil(points.length / perPoint) }, (_, at) => {
    const group = points.slice(at * perPoint, (at + 1) * perPoint)
    const mean = (pick: (point: LossPoint) => number) => group.reduce((sum, point) => sum + pick(point), 0) / group.length
    return { step: mean((point) => point.step), loss: mean((point) => point.loss) }
  })
}

const mostResamples = 2_000
const fewestResamples = 400
const drawBudget = 1_000_000
const bootstrapSeed = 0x5eed

/** 95 % bootstrap interval of how much lower the adapter's held-out loss is, rows drawn in pairs; the same answer every time. */
export function improvementInterval(rows: readonly PairedRow[]): { readonly low: number; readonly high: number } | undefined {
  const weighed = rows.filter(([, , tokens]) => tokens > 0)
  if (weighed.length === 0) return undefined
  const resamples = Math.max(fewestResamples, Math.min(mostResamples, Math.floor(drawBudget / weighed.length)))
  const random = createRandom(bootstrapSeed)
  const means = Float64Array.from({ length: resamples }, () => {
    let gain = 0
    let tokens = 0
    for (let draw = 0; draw < weighed.length; draw += 1) {
      const row = weighed[Math.floor(random() * weighed.length)]
      if (row === undefined) continue
      gain += (row[0] - row[1]) * row[2]
      tokens += row[2]
    }
    return gain / tokens
  }).sort()
  return { low: quantile(means, 0.025), high: quantile(means, 0.975) }
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
}

/** A small seeded generator (xorshift, 32 bits), so that a rating never changes by itself. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}
