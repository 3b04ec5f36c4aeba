import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startRunpodCloud } from '../support/runpod-cloud/cloud.ts'
import { openCloudApp } from '../support/runs/cloud-app.ts'
import { judge } from './play.ts'
import { randomBy } from './scenarios.ts'
import type { Outcome, Scenario } from './scenario.ts'

const appProcess = fileURLToPath(new URL('app-process.ts', import.meta.url))
const buildImports = new URL('../support/build-imports.ts', import.meta.url).href
/** From before the app has opened its database to after a run that nobody disturbs. */
const longestLifeMs = 2_500

/** Runs whose app is killed with -9 at random moments and started again, until `kills` have struck. */
export async function playKills(kills: number, seed: number, perRun = 6): Promise<Outcome> {
  const random = randomBy(seed)
  const scenario: Scenario = { name: 'the app is killed with -9', injections: `${kills} kills, seed ${seed}`, rightStates: ['completed'] }
  const sum = { runs: 0, adaptersLost: 0, duplicateTrainings: 0, overBudget: 0, wrongStates: 0, notes: [] as string[] }
  for (let left = kills; left > 0;) {
    const folder = mkdtempSync(join(tmpdir(), 'tunesmith-kills-'))
    const cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
    const { endpointId: remoteId } = await cloud.control.createEndpoint({ timeout: 86_400_000 })
    const home = mkdtempSync(join(tmpdir(), 'tunesmith-app-'))
    const options = { addresses: cloud.addresses, remoteId, folder: home }
    try {
      let runId: string | undefined
      for (let kill = 0; kill < perRun && left > 0; kill += 1) {
        const life = await live(options, runId, Math.floor(random() * longestLifeMs))
        runId ??= life.runId
        if (life.wasKilled) left -= 1
        else if (life.status !== undefined) break
      }
      runId ??= (await live(options, undefined, 0)).runId
      const end = await live(options, runId, null)
      const app = openCloudApp(options)
      const outcome = await judge(scenario, cloud, app, runId ?? end.runId ?? '')
      await app.quit()
      sum.runs += 1
      sum.adaptersLost += outcome.adaptersLost
      sum.duplicateTrainings += outcome.duplicateTrainings
      sum.wrongStates += outcome.wrongStates
      sum.notes.push(...outcome.notes)
    } finally {
      await cloud.stop()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    }
  }
  return { scenario: scenario.name, injections: scenario.injections, ...sum }
}

interface Life {
  readonly runId: string | undefined
  readonly status: string | undefined
  readonly wasKilled: boolean
}

/** One start of the app, killed after a while, or left alone (null) until its run has ended. */
function live(options: object, runId: string | undefined, killAfterMs: number | null): Promise<Life> {
  return new Promise((resolve, reject) => {
    const args = ['--import', buildImports, appProcess, JSON.stringify(options), ...(runId === undefined ? [] : [runId])]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const told = new Map<string, string>()
    createInterface({ input: child.stdout }).on('line', (line) => {
      for (const [key, value] of Object.entries(JSON.parse(line) as Record<string, string>)) told.set(key, value)
    })
    const timer = killAfterMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (signal === null && code !== 0) reject(new Error(`The app ended by itself with code ${code}`))
      else resolve({ runId: told.get('runId'), status: told.get('status'), wasKilled: signal === 'SIGKILL' })
    })
  })
}
