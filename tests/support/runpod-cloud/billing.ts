import type { WorkerRecord } from './cloud-state.ts'

const hourMs = 3_600_000
const volumeMicroUsdPerGbMonth = 70_000
const monthHours = 730

/** What a worker has cost up to a moment: whole seconds, rounded up, start-up and idle time included. */
export function costMicroUsd(worker: WorkerRecord, atMs: number): number {
  if (worker.billedFromMs === null) return 0
  const untilMs = Math.min(atMs, worker.endedAtMs ?? atMs)
  const seconds = Math.ceil(Math.max(0, untilMs - worker.billedFromMs) / 1000)
  return Math.ceil((seconds * worker.priceMicroUsdPerHour * worker.gpuCount) / 3600)
}

/** Cost of all given workers up to a moment. */
export function totalCostMicroUsd(workers: readonly WorkerRecord[], atMs: number): number {
  return workers.reduce((sum, worker) => sum + costMicroUsd(worker, atMs), 0)
}

/** Splits each worker's bill among the runs it worked for: from its start or the last run's to the next one's. */
export function costByRun(workers: readonly WorkerRecord[], atMs: number): ReadonlyMap<string, number> {
  const byRun = new Map<string, number>()
  for (const worker of workers) {
    for (const [index, share] of worker.shares.entries()) {
      const fromMs = index === 0 ? (worker.billedFromMs ?? share.fromMs) : share.fromMs
      const untilMs = worker.shares[index + 1]?.fromMs ?? worker.endedAtMs ?? atMs
      const amount = costMicroUsd(worker, untilMs) - (index === 0 ? 0 : costMicroUsd(worker, fromMs))
      byRun.set(share.runId, (byRun.get(share.runId) ?? 0) + amount)
    }
  }
  return byRun
}

const bucketMs: Readonly<Record<string, number>> = { hour: hourMs, day: 24 * hourMs, week: 7 * 24 * hourMs, month: 30 * 24 * hourMs }

/** Whether the billing API knows a bucket size. */
export function isBucketSize(size: string): boolean {
  return bucketMs[size] !== undefined
}

/** One line of the billing API. */
interface BillingRecord {
  readonly startMs: number
  readonly endMs: number
  readonly endpointId: string
  readonly amountMicroUsd: number
}

/** The bill by endpoint and bucket, oldest first; buckets without cost are left out. */
export function billingRecords(workers: readonly WorkerRecord[], size: string, fromMs: number, toMs: number): readonly BillingRecord[] {
  const width = bucketMs[size] ?? hourMs
  const records = new Map<string, BillingRecord>()
  for (const worker of workers) {
    if (worker.billedFromMs === null) continue
    const lastMs = Math.min(toMs, worker.endedAtMs ?? toMs)
    for (let startMs = Math.floor(worker.billedFromMs / width) * width; startMs < lastMs; startMs += width) {
      const endMs = startMs + width
      const amount = costMicroUsd(worker, Math.min(endMs, lastMs)) - costMicroUsd(worker, startMs)
      if (endMs <= fromMs || amount <= 0) continue
      const key = `${startMs}/${worker.endpointId}`
      const before = records.get(key)?.amountMicroUsd ?? 0
      records.set(key, { startMs, endMs, endpointId: worker.endpointId, amountMicroUsd: before + amount })
    }
  }
  return [...records.values()].toSorted((a, b) => a.startMs - b.startMs)
}

/** The bill of a network volume by the day, from its creation on. */
export function volumeBillingRecords(volume: { id: string; size: number; createdAtMs?: number | undefined }, fromMs: number, toMs: number) {
  const dayMs = 24 * hourMs
  const createdAtMs = volume.createdAtMs ?? toMs
  const records: { startMs: number; endMs: number; amountMicroUsd: number }[] = []
  for (let startMs = Math.floor(Math.max(createdAtMs, fromMs) / dayMs) * dayMs; startMs < toMs; startMs += dayMs) {
    const hours = (Math.min(toMs, startMs + dayMs) - Math.max(createdAtMs, startMs)) / hourMs
    const amountMicroUsd = Math.round((volume.size * volumeMicroUsdPerGbMonth * hours) / monthHours)
    records.push({ startMs, endMs: startMs + dayMs, amountMicroUsd })
  }
  return records
}
