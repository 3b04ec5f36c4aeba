import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifestSchema, workerResultSchema } from '../../../preload/contract/worker.ts'
import { costByRun, totalCostMicroUsd } from './billing.ts'
import type { CloudState } from './cloud-state.ts'
import { openRunFolder, sha256Of, type RunFolder } from './run-folder.ts'
import type { StepLedger, StepTruth } from './step-ledger.ts'

/** What really happened to one run, whatever the app believes. */
export interface RunTruth {
  readonly jobIds: readonly string[]
  readonly steps: StepTruth
  readonly billedMicroUsd: number
  readonly adapters: readonly AdapterTruth[]
}

/** One run's adapter on a volume. */
export interface AdapterTruth {
  readonly volumeId: string
  readonly status: string
  readonly manifestSha256: string | null
  /** Result, manifest and every part agree. */
  readonly isIntact: boolean
}

/** What really happened on the cloud. */
export interface CloudTruth {
  readonly nowMs: number
  readonly runs: Readonly<Record<string, RunTruth>>
  readonly jobsAccepted: number
  readonly billedMicroUsd: number
  readonly billedByEndpoint: Readonly<Record<string, number>>
  readonly balanceMicroUsd: number
  readonly workersNow: number
  readonly workersEver: number
  /** HTTP calls by operation that reached the cloud. */
  readonly calls: Readonly<Record<string, number>>
}

const noSteps: StepTruth = { executed: 0, distinct: 0, mostWorkersAtOnce: 0, completions: 0, workerIds: [] }

/** Reads the truth from state, ledger and volumes. */
export function readTruth(state: CloudState, ledger: StepLedger, folder: string, nowMs: number): CloudTruth {
  const { workers, accepted } = state
  const steps = ledger.read()
  const bills = costByRun(workers, nowMs)
  const adapters = adaptersOn(join(folder, 'volumes'))
  const runIds = new Set([...accepted.flatMap((job) => job.runId ?? []), ...steps.keys(), ...adapters.keys()])
  const billed = totalCostMicroUsd(workers, nowMs)
  const endpointIds = new Set(workers.map((worker) => worker.endpointId))
  return {
    nowMs,
    runs: Object.fromEntries(
      [...runIds].map((runId) => [
        runId,
        {
          jobIds: accepted.filter((job) => job.runId === runId && job.action === 'train').map((job) => job.jobId),
          steps: steps.get(runId) ?? adapters.get(runId)?.steps ?? noSteps,
          billedMicroUsd: bills.get(runId) ?? 0,
          adapters: adapters.get(runId)?.found ?? [],
        },
      ]),
    ),
    jobsAccepted: accepted.length,
    billedMicroUsd: billed,
    billedByEndpoint: Object.fromEntries(
      [...endpointIds].map((id) => [
        id,
        totalCostMicroUsd(
          workers.filter((worker) => worker.endpointId === id),
          nowMs,
        ),
      ]),
    ),
    balanceMicroUsd: state.account.startBalanceMicroUsd - billed,
    workersNow: workers.filter((worker) => worker.endedAtMs === null).length,
    workersEver: workers.length,
    calls: state.calls,
  }
}

function adaptersOn(volumes: string): Map<string, { found: AdapterTruth[]; steps: StepTruth }> {
  const byRun = new Map<string, { found: AdapterTruth[]; steps: StepTruth }>()
  if (!existsSync(volumes)) return byRun
  for (const volumeId of readdirSync(volumes)) {
    const runs = join(volumes, volumeId, 'runs')
    for (const runId of existsSync(runs) ? readdirSync(runs) : []) {
      const run = openRunFolder(join(volumes, volumeId), runId)
      const entry = byRun.get(runId) ?? { found: [], steps: stepsFromEvents(run) }
      byRun.set(runId, entry)
      const result = workerResultSchema.safeParse(run.readJson('result.json')).data
      if (result !== undefined) {
        entry.found.push({
          volumeId,
          status: result.status,
          manifestSha256: result.manifest_sha256,
          isIntact: isIntact(run, result.manifest_sha256),
        })
      }
    }
  }
  return byRun
}

function isIntact(run: RunFolder, manifestSha256: string | null): boolean {
  const text = run.readText('manifest.json')
  if (text === undefined || manifestSha256 !== sha256Of(text)) return false
  const manifest = manifestSchema.safeParse(JSON.parse(text)).data
  return (
    manifest?.parts.every((part) => run.has(part.key) && sha256Of(readFileSync(join(run.path, ...part.key.split('/')))) === part.sha256) ===
    true
  )
}

/** For real workers, whose steps only their event log tells: an attempt that goes on after a later one began worked beside it. */
function stepsFromEvents(run: RunFolder): StepTruth {
  const events = run.readEvents().filter((event) => event.kind === 'step')
  const isInterleaved = events.some((event, index) => event.attempt < (events[index - 1]?.attempt ?? 0))
  return {
    executed: events.length,
    distinct: new Set(events.map((event) => event['step'])).size,
    mostWorkersAtOnce: events.length === 0 ? 0 : isInterleaved ? 2 : 1,
    completions: run.has('manifest.json') ? 1 : 0,
    workerIds: [],
  }
}
