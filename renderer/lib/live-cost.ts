import type { Run } from '../../preload/contract/runs.ts'
import { formatMoney } from './format.ts'

const secondMs = 1_000
const hourMs = 3_600_000
/** The app looks at a run every few seconds. */
const lookedMs = 60_000

/** What a run cost up to a moment, whole seconds times price as main computes it; null where something is not known. */
export function liveCost(run: Run, nowMs: number): number | null {
  const { meter, startedAtMs, lastSeenAtMs, costMicroUsd, contactLost } = run
  if (meter === null || !meter.isRunning || startedAtMs === null) return costMicroUsd
  // Without contact, and after the app was closed, it may have ended: the figure stays what it was when it was last seen.
  if (contactLost !== null || nowMs - (lastSeenAtMs ?? startedAtMs) > lookedMs) return costMicroUsd
  if (meter.priceMicroUsdPerHour === null) return null
  const seconds = Math.ceil(Math.max(0, nowMs - startedAtMs) / secondMs) + meter.startUpMs / secondMs
  return Math.max(costMicroUsd ?? 0, Math.ceil((seconds * secondMs * meter.priceMicroUsdPerHour) / hourMs))
}

/** Cost so far of the most it may be, over all charged runs given: `$0.41/$3.00`; null where none of them is charged. */
export function meterText(runs: readonly Run[], nowMs: number): string | null {
  const charged = runs.filter(({ meter }) => meter !== null)
  if (charged.length === 0) return null
  const soFar = formatMoney(sumOf(charged.map((run) => liveCost(run, nowMs))))
  const cap = sumOf(charged.map(({ meter }) => meter?.capMicroUsd ?? null))
  return cap === null ? soFar : `${soFar}/${formatMoney(cap)}`
}

/** A sum with something unknown in it is not known. */
function sumOf(amounts: readonly (number | null)[]): number | null {
  return amounts.reduce((sum, amount) => (sum === null || amount === null ? null : sum + amount), 0)
}
