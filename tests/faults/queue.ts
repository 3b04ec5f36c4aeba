import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startRunpodCloud, type RunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { openCloudApp } from '../support/runs/cloud-app.ts'
import { judge } from './play.ts'
import { randomBy } from './scenarios.ts'
import type { Outcome, Scenario } from './scenario.ts'

const queueProcess = fileURLToPath(new URL('queue-process.ts', import.meta.url))
const buildImports = new URL('../support/build-imports.ts', import.meta.url).href
const priceMicroUsdPerHour = 4_180_000
const ownBudgetMicroUsd = 700_000
const longestLifeMs = 3_000

type Options = Parameters<typeof openCloudApp>[0]
interface Ground {
  readonly cloud: RunpodCloud
  readonly options: Options
}

/** Scenarios of several runs in the queue, by the name they have in the table. */
export const queueScenarios: Readonly<Record<string, (seed: number) => Promise<Outcome>>> = {
  'queued runs: the app is killed between two': (seed) => onGround((ground) => playKilledQueue(ground, seed, 5)),
  'queued runs: three, with money for two': () => onGround(playShortBudget),
}

async function onGround(act: (ground: Ground) => Promise<Outcome>): Promise<Outcome> {
  const stateFolder = mkdtempSync(join(tmpdir(), 'tunesmith-queue-'))
  const folder = mkdtempSync(join(tmpdir(), 'tunesmith-app-'))
  const cloud = await startRunpodCloud({ stateFolder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
  try {
    const { endpointId: remoteId } = await cloud.control.createEndpoint({ pool: 'ADA_80_PRO', timeout: 86_400_000 })
    return await act({ cloud, options: { addresses: cloud.addresses, remoteId, priceMicroUsdPerHour, folder } })
  } finally {
    await cloud.stop()
    for (const path of [stateFolder, folder]) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function playKilledQueue(ground: Ground, seed: number, kills: number): Promise<Outcome> {
  const random = randomBy(seed)
  for (let kill = 0; kill < kills; kill += 1) await live(ground.options, Math.floor(random() * longestLifeMs))
  await live(ground.options, null)
  const scenario: Scenario = {
    name: 'queued runs: the app is killed between two',
    injections: `${kills} kills, seed ${seed}`,
    rightStates: ['completed'],
  }
  const app = openCloudApp(ground.options)
  const ids = app.runs.list({ search: '', status: 'all', sort: 'newest' }).map(({ id }) => id)
  const outcomes = []
  for (const id of ids) outcomes.push(await judge(scenario, ground.cloud, app, id))
  await app.quit()
  const missing = ids.length === 2 ? [] : [`${ids.length} runs where there were two`]
  return sumUp(scenario, outcomes, missing)
}

async function playShortBudget({ cloud, options }: Ground): Promise<Outcome> {
  const scenario: Scenario = {
    name: 'queued runs: three, with money for two',
    injections: 'a shared budget that the third does not fit',
    rightStates: ['completed'],
  }
  const app = openCloudApp(options)
  const queue = () => app.runs.queue.view()
  app.runs.queue.update({ budgetMicroUsd: ownBudgetMicroUsd * 3 })
  const first = await app.enqueue({ budgetMicroUsd: ownBudgetMicroUsd })
  await app.ended(first.id)
  const { money } = queue()
  const sharedMicroUsd = ownBudgetMicroUsd + Math.floor(((money.spentMicroUsd ?? 0) + (money.reservedMicroUsd ?? 0)) * 1.5)
  app.runs.queue.update({ budgetMicroUsd: sharedMicroUsd })
  const second = await app.enqueue({ budgetMicroUsd: ownBudgetMicroUsd })
  const third = await app.enqueue({ budgetMicroUsd: ownBudgetMicroUsd })
  await app.until(() => queue().paused !== null)
  const outcomes = [await judge(scenario, cloud, app, first.id), await judge(scenario, cloud, app, second.id)]
  const truth = await cloud.control.truth({})
  const billed = Object.values(truth.runs).reduce((total, { billedMicroUsd }) => total + billedMicroUsd, 0)
  const notes = billed > sharedMicroUsd ? [`billed ${billed} of the shared ${sharedMicroUsd}`] : []
  const overBudget = notes.length
  const isRight = queue().paused?.code === 'budget' && app.runs.get(third.id).status === 'queued' && truth.runs[third.id] === undefined
  if (!isRight) notes.push(`the third is ${app.runs.get(third.id).status}: ${queue().paused?.text ?? 'nothing paused'}`)
  await app.quit()
  const sum = sumUp(scenario, outcomes, notes)
  return { ...sum, runs: 3, overBudget: sum.overBudget + overBudget, wrongStates: sum.wrongStates + (isRight ? 0 : 1) }
}

function sumUp({ name, injections }: Scenario, outcomes: readonly Outcome[], notes: readonly string[]): Outcome {
  const total = (key: 'adaptersLost' | 'duplicateTrainings' | 'overBudget' | 'wrongStates') =>
    outcomes.reduce((sum, outcome) => sum + outcome[key], 0)
  return {
    scenario: name,
    injections,
    runs: outcomes.length,
    adaptersLost: total('adaptersLost'),
    duplicateTrainings: total('duplicateTrainings'),
    overBudget: total('overBudget'),
    wrongStates: total('wrongStates'),
    notes: [...outcomes.flatMap((outcome) => outcome.notes), ...notes],
  }
}

/** One start of the app, killed after a while, or left alone (null) until its queue is empty. */
function live(options: Options, killAfterMs: number | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', buildImports, queueProcess, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const timer = killAfterMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (signal === null && code !== 0) reject(new Error(`The app ended by itself with code ${code}`))
      else resolve()
    })
  })
}
