/**
 * Indices to draw: first, last, minimum and maximum of each of `buckets` equal slices, so that spikes stay visible.
 * Returns every index when there are few points already.
 */
export function decimate(values: ArrayLike<number>, buckets: number): Uint32Array {
  const count = values.length
  if (count <= buckets * 4) return Uint32Array.from({ length: count }, (_unused, index) => index)
  const kept: number[] = []
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const from = Math.floor((bucket * count) / buckets)
    const to = Math.floor(((bucket + 1) * count) / buckets)
    let low = from
    let high = from
    for (let index = from + 1; index < to; index += 1) {
      const value = values[index] ?? Number.NaN
      if (value < (values[low] ?? Number.NaN)) low = index
      if (value > (values[high] ?? Number.NaN)) high = index
    }
    for (const index of [...new Set([from, low, high, to - 1])].toSorted((a, b) => a - b)) kept.push(index)
  }
  return Uint32Array.from(kept)
}
