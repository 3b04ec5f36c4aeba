/**
 * Exponential moving average with debias (as in Adam, Kingma & Ba 2015 §3): the first values are not pulled to zero.
 * `weight` 0 returns the values unchanged; non-finite values are passed over and stay in their place.
 */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const result = new Float64Array(values.length)
  let sum = 0
  let norm = 0
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? Number.NaN
    if (!Number.isFinite(value)) {
      result[index] = Number.NaN
      continue
    }
    sum = weight * sum + (1 - weight) * value
    norm = weight * norm + (1 - weight)
    result[index] = sum / norm
  }
  return result
}
