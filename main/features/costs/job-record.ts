import type { JobCost } from './ports.ts'
import type { NewCost } from './repository.ts'

const secondMs = 1_000
const hourMs = 3_600_000
const titles: Readonly<Record<JobCost['type'], string>> = { transfer: 'Files through jobs', hello: 'Greeting of the worker' }

/** The record of a job beside the runs: its own seconds, rounded up as RunPod bills them. */
export function jobRecord(job: JobCost, runName: string | null): Omit<NewCost, 'id'> {
  const { jobId, type, runId, endpointId, endpointName, priceMicroUsdPerHour: price, executionMs, endedAtMs } = job
  const seconds = Math.ceil(executionMs / secondMs)
  const amountMicroUsd = price === null ? null : Math.ceil((seconds * secondMs * price) / hourMs)
  return {
    sourceKey: `job:${jobId}`,
    runId: runName === null ? null : runId,
    runName: runName ?? titles[type],
    type,
    endpointKind: 'runpod',
    endpointId,
    endpointName,
    amountMicroUsd,
    parts: amountMicroUsd === null ? null : { startUpMicroUsd: 0, executionMicroUsd: amountMicroUsd, idleMicroUsd: 0 },
    durationMs: seconds * secondMs,
    span: { fromMs: endedAtMs - seconds * secondMs, toMs: endedAtMs },
    detail:
      price === null
        ? `${titles[type]}: ${seconds} s; the price of this endpoint is not known here.`
        : `${titles[type]}: ${seconds} s at $${(price / 1_000_000).toFixed(2)} an hour.`,
    recordedAtMs: endedAtMs,
  }
}
