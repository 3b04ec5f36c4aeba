import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { WorkerFacts } from '../../../../preload/contract/endpoints.ts'
import { judgeWorker, trainerVersion } from '../../../../main/features/endpoints/worker-verdict.ts'

const actions = ['hello', 'train', 'put', 'get', 'list', 'read_events', 'mark_stop', 'merge']
const facts = (change: Partial<WorkerFacts> = {}): WorkerFacts => ({
  trainerVersion,
  python: '3.12',
  torch: '2.9.1',
  cuda: '12.8',
  gpu: { name: 'H100', memoryBytes: 80e9, count: 1 },
  baseModels: [],
  actions,
  saidAtMs: 1,
  ...change,
})

it('the version the app holds workers against is the one its own trainer names', () => {
  const source = readFileSync(new URL('../../../../trainer/protocol.py', import.meta.url), 'utf8')
  expect(/^TRAINER_VERSION = "(.+)"$/m.exec(source)?.[1]).toBe(trainerVersion)
})

it('a worker that was never asked is not called good or bad', () => {
  expect(judgeWorker(null, true).state).toBe('unknown')
})

it.each([
  ['0.1.0', 'current'],
  ['0.0.9', 'older'],
  ['0.0.10', 'older'],
  ['0.10.0', 'newer'],
  ['1.0.0', 'newer'],
  ['latest', 'unusable'],
])('version %s beside 0.1.0 is %s, by numbers and not by letters', (version, state) => {
  expect(judgeWorker(facts({ trainerVersion: version }), true).state).toBe(state)
})

it('a worker that lacks what a run asks of it is refused, and the way to a right one fits who made the endpoint', () => {
  const old = facts({ actions: actions.filter((action) => action !== 'mark_stop') })
  expect(judgeWorker(old, true)).toMatchObject({ state: 'unusable', advice: 'Update the worker under Endpoints.' })
  expect(judgeWorker(old, false).text).toContain('mark_stop')
  expect(judgeWorker(old, false).advice).toContain('RunPod console')
})
