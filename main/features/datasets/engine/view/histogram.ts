import type { Histogram } from '../../../../../preload/contract/datasets.ts'

const bins = 40

/** Counts whole numbers in about 40 equal bins; the last bin holds everything above the 99.5th percentile. Null without numbers. */
export function histogramOf(values: Uint32Array): Histogram | null {
  const sorted = values.toSorted()
  const max = sorted.at(-1)
  const min = sorted[0]
  if (max === undefined || min === undefined) return null
  const cut = Math.max(quantile(sorted, 0.995), min + 1)
  const width = Math.max(1, Math.ceil((cut - min) / bins))
  const count = Math.max(1, Math.ceil((cut - min) / width))
  const counts = Array.from({ length: count }, () => 0)
  for (const value of sorted) {
    const bin = Math.min(count - 1, Math.floor((value - min) / width))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const edges = Array.from({ length: count + 1 }, (_, at) => min + at * width)
  edges[count] = Math.max(edges[count] ?? 0, max)
  return { edges, counts, min, p50: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), p99: quantile(sorted, 0.99), max }
}

/** The smallest value that at least the share `q` of the values does not exceed (nearest rank). */
function quantile(sorted: Uint32Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? 0
}
