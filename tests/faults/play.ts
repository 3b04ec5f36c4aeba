import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testPython } from '../support/local-platform.ts'
import type { RunConfig } from '../../preload/contract/runs.ts'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { openCloudApp, type CloudApp } from '../support/runs/cloud-app.ts'
import { isEnded } from '../support/runs/run-world.ts'
import type { Outcome, Scenario } from './scenario.ts'

const priceMicroUsdPerHour = 4_180_000
/** Of the app's own time, which runs two hundred times as fast. */
const patienceMs = 4 * 3_600_000

const tinyModelWriter = fileURLToPath(new URL('../../trainer/tests/tiny_model.py', import.meta.url))
/** A real worker reports every ten seconds, and a minute of silence is told: the app must not live through it in less. */
const realSpeed = 3

/** Where our own trainer works: in its own time, on this computer's processor. */
const realWorld = {
  cloud: { clock: { kind: 'flowing', speed: 1 } },
  endpoint: { workerKind: 'real', idleTimeout: 60, env: { TUNESMITH_DEVICE: 'cpu', HF_HUB_OFFLINE: '1' } },
  hyperparameters: {
    per_device_train_batch_size: 1,
    gradient_accumulation_steps: 1,
    max_length: 256,
    lora_r: 4,
    num_train_epochs: 2,
    max_steps: 40,
    save_every_steps: 4,
  },
} as const

/** Plays a scenario on a cloud and an app of its own, and compares what the app believes with what really happened. */
export async function play(scenario: Scenario): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'tunesmith-faults-'))
  const isReal = scenario.isTrainedForReal === true
  const world = isReal ? { ...realWorld.cloud, python: testPython() } : { clock: { kind: 'standing' } as const }
  const cloud = await startRunpodCloud({ stateFolder: folder, startMs: 1_800_000_000_000, ...world })
  const {
    endpointId: remoteId,
    volumeId,
    volumeFolder,
  } = await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000, ...(isReal ? realWorld.endpoint : {}) })
  const open = (home?: string) =>
    openCloudApp({
      addresses: cloud.addresses,
      remoteId,
      priceMicroUsdPerHour,
      ...(home === undefined ? {} : { folder: home }),
      ...(scenario.hasS3 === true ? { volumeId } : {}),
      ...(isReal ? { speed: realSpeed } : {}),
    })
  let app: CloudApp = open()
  try {
    await scenario.before?.({ control: cloud.control, remoteId })
    for (const fault of scenario.faults ?? []) await cloud.control.addFault(fault)
    const { config = {}, hyperparameters = {} } = scenario
    const { id: runId } = isReal
      ? await app.start({ baseModel: tinyModelOn(volumeFolder), ...config }, { ...realWorld.hyperparameters, ...hyperparameters })
      : await app.start(config, hyperparameters)
    const stage = {
      control: cloud.control,
      remoteId,
      runId,
      app: () => app,
      async restart() {
        app = open(app.home)
        app.runs.resumeAll()
      },
    }
    const isOver = () => isEnded(app.runs.get(runId))
    const doing = scenario.during?.(stage)
    if (doing !== undefined) await doing
    const deadlineMs = app.clock.nowMs() + patienceMs
    // A run that never ends shows as one in a wrong state.
    await app.until(() => isOver() || app.clock.nowMs() > deadlineMs)
    return await judge(scenario, cloud, app, runId)
  } finally {
    await app.quit().catch(() => undefined)
    await cloud.stop()
    app.remove()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function tinyModelOn(volumeFolder: string): RunConfig['baseModel'] {
  const path = join(volumeFolder, 'tiny-model')
  execFileSync(testPython(), [tinyModelWriter, path], { stdio: 'pipe' })
  return { kind: 'folder', path }
}

/** Holds the app's belief against the cloud's ledger. */
export async function judge(scenario: Scenario, cloud: Pick<RunpodCloud, 'control'>, app: CloudApp, runId: string): Promise<Outcome> {
  const run = app.runs.get(runId)
  const truth = (await cloud.control.truth({})).runs[runId]
  const verified = app.adapters().some((adapter) => adapter.runId === runId && adapter.status === 'verified')
  const isOnVolume = truth?.adapters.some((adapter) => adapter.isIntact) ?? false
  const notes: string[] = []
  const count = (isWrong: boolean, note: string) => {
    if (isWrong) notes.push(note)
    return isWrong ? 1 : 0
  }
  const mayBeMissing = scenario.endsWithoutAdapter === true
  const adaptersLost = count(
    !mayBeMissing && !verified && (isOnVolume || scenario.rightStates.includes('completed')),
    `no verified adapter (${isOnVolume ? 'it is on the volume' : 'none on the volume'})`,
  )
  const steps = truth?.steps
  const duplicateTrainings = count(
    steps !== undefined && (steps.mostWorkersAtOnce > 1 || steps.completions > 1),
    `trained by ${steps?.mostWorkersAtOnce ?? 0} workers at once, ${steps?.completions ?? 0} times to the end`,
  )
  const budget = run.config.budgetMicroUsd
  const overBudget = count(
    budget !== null && (truth?.billedMicroUsd ?? 0) > budget,
    `billed ${truth?.billedMicroUsd ?? 0} of ${budget ?? 0}`,
  )
  const wrongStates = count(
    !scenario.rightStates.some((status) => status === run.status) || app.problems.length > 0,
    `${run.status} (${run.error?.message ?? run.stageDetail ?? run.contactLost ?? ''})${app.problems.length > 0 ? ` with ${app.problems.length} faults in the log` : ''}`,
  )
  return {
    scenario: scenario.name,
    injections: scenario.injections,
    runs: 1,
    adaptersLost,
    duplicateTrainings,
    overBudget,
    wrongStates,
    notes,
  }
}
