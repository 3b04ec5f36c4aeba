import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { openCloudApp, type CloudApp } from '../support/runs/cloud-app.ts'
import { isEnded } from '../support/runs/run-world.ts'
import type { Outcome, Scenario } from './scenario.ts'

const priceMicroUsdPerHour = 4_180_000
/** Of the app's own time, which runs two hundred times as fast. */
const patienceMs = 4 * 3_600_000

/** Plays a scenario on a cloud and an app of its own, and compares what the app believes with what really happened. */
export async function play(scenario: Scenario): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'tunesmith-faults-'))
  const cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
  const { endpointId: remoteId, volumeId } = await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000 })
  const open = (home?: string) =>
    openCloudApp({
      addresses: cloud.addresses,
      remoteId,
      priceMicroUsdPerHour,
      ...(home === undefined ? {} : { folder: home }),
      ...(scenario.hasS3 === true ? { volumeId } : {}),
    })
  let app: CloudApp = open()
  try {
    await scenario.before?.({ control: cloud.control, remoteId })
    for (const fault of scenario.faults ?? []) await cloud.control.addFault(fault)
    const { id: runId } = await app.start(scenario.config, scenario.hyperparameters)
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
