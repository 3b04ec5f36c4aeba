/** Divides `share` of all rows over parts of the given sizes; the parts add up to the rounded whole, of at least one row. */
export function shareOut(sizes: readonly number[], share: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const wanted = Math.max(1, Math.round(total * share))
  const quotas = sizes.map((size) => Math.floor(size * share))
  const missing = wanted - quotas.reduce((sum, quota) => sum + quota, 0)
  const byRemainder = sizes
    .map((size, index) => ({ index, remainder: size * share - Math.floor(size * share) }))
    .toSorted((left, right) => right.remainder - left.remainder || left.index - right.index)
  for (const { index } of byRemainder.slice(0, missing)) quotas[index] = (quotas[index] ?? 0) + 1
  return quotas
}
