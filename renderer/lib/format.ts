const unknown = '–'
const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** A whole number with thousands separated; an unknown one as a dash. */
export function formatCount(value: number | null | undefined): string {
  return value === null || value === undefined ? unknown : counts.format(value)
}

/** Bytes in the unit a person would choose (powers of 1000, as file managers show). */
export function formatBytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return unknown
  if (value < 1000) return `${value} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let scaled = value / 1000
  let unit = 0
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000
    unit += 1
  }
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${units[unit] ?? 'TB'}`
}

/** A span of time as two units at most: `42 s`, `3 min 5 s`, `1 h 12 min`, `2 d 4 h`. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return unknown
  if (ms < secondMs) return ms === 0 ? '0 s' : 'under 1 s'
  const [large, largeName, small, smallName] = unitsFor(ms)
  const rounded = Math.round(ms / small) * small
  if (rounded / large >= nextUnit(large)) return formatDuration(rounded)
  const whole = Math.floor(rounded / large)
  const rest = Math.round((rounded - whole * large) / small)
  return rest === 0 || large === small ? `${whole} ${largeName}` : `${whole} ${largeName} ${rest} ${smallName}`
}

function unitsFor(ms: number): [number, string, number, string] {
  if (ms < minuteMs) return [secondMs, 's', secondMs, 's']
  if (ms < hourMs) return [minuteMs, 'min', secondMs, 's']
  if (ms < dayMs) return [hourMs, 'h', minuteMs, 'min']
  return [dayMs, 'd', hourMs, 'h']
}

function nextUnit(unit: number): number {
  if (unit === secondMs || unit === minuteMs) return 60
  return unit === hourMs ? 24 : Number.POSITIVE_INFINITY
}

/** Integer micro-dollars as dollars and cents; less than a cent but more than nothing says so. */
export function formatMoney(microUsd: number | null | undefined): string {
  if (microUsd === null || microUsd === undefined) return unknown
  if (microUsd > 0 && microUsd < 10_000) return 'under $0.01'
  return `$${(microUsd / 1_000_000).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
}

/** How long ago, in words; the exact time belongs beside it. */
export function formatAgo(atMs: number, nowMs: number): string {
  const ago = nowMs - atMs
  if (ago < 45 * secondMs) return 'just now'
  if (ago < 90 * minuteMs) return `${Math.max(1, Math.round(ago / minuteMs))} min ago`
  if (ago < 36 * hourMs) return `${Math.round(ago / hourMs)} h ago`
  if (ago < 30 * dayMs) return `${Math.round(ago / dayMs)} d ago`
  return new Date(atMs).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
}

/** A moment in full, in the user's time zone. */
export function formatMoment(atMs: number): string {
  return new Date(atMs).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
}

/** A share as a whole percentage. */
export function formatPercent(share: number | null | undefined): string {
  return share === null || share === undefined ? unknown : `${Math.floor(share * 100)} %`
}
