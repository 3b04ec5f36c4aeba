import { describe, expect, it } from 'vitest'
import { preflightItemSchema, type PreflightItem, type RunConfig } from '../../../../preload/contract/runs.ts'
import type { DatasetFacts, EndpointFacts } from '../../../../main/features/runs/ports.ts'
import { runPreflight } from '../../../../main/features/runs/preflight/preflight.ts'
import { limitsOf } from '../../../../main/features/runs/money.ts'
import type { RunState } from '../../../../main/features/runs/state.ts'
import type { Clock } from '../../../../main/lib/clock.ts'
import { createInstantClock } from '../../../support/instant-clock.ts'
import { createRunWorld, runConfig } from '../../../support/runs/run-world.ts'

const hourMs = 3_600_000
const told = { stock: 'high', volumeGb: 100, hasHfToken: true, maySeeSettings: true, lastCheck: 'OK' } as const
const works = { state: 'current', text: 'The worker is current.', advice: null } as const

interface Circumstances {
  readonly kind?: 'local' | 'runpod'
  readonly endpoint?: Partial<EndpointFacts>
  readonly dataset?: Partial<DatasetFacts>
  readonly model?: { parameters?: number | null; hiddenSize?: number | null; isGated?: boolean | null; contextLength?: number }
  readonly clock?: Clock
  readonly config?: Partial<RunConfig>
  readonly durationMs?: { low: number; high: number }
  readonly prepare?: (world: ReturnType<typeof createRunWorld>) => void
}

async function check({ kind = 'runpod', endpoint, dataset, model, config, durationMs, clock, prepare }: Circumstances = {}) {
  const world = createRunWorld({ kind })
  const remote = kind === 'runpod' ? told : null
  world.endpointFacts.current = { ...world.endpointFacts.current, gpu: { name: 'L4', count: 1 }, remote, ...endpoint }
  prepare?.(world)
  const ports = {
    ...world.ports,
    datasets: { ...world.ports.datasets, describe: async (id: string) => ({ ...(await world.ports.datasets.describe(id)), ...dataset }) },
    models: { describe: async () => ({ ...(await world.ports.models.describe(runConfig().baseModel)), ...model }) },
  }
  const items = await runPreflight(ports, { ...runConfig(), ...config }, durationMs ?? null, clock)
  for (const item of items) preflightItemSchema.parse(item)
  const find = (id: PreflightItem['id']) => items.find((item) => item.id === id)
  return { items, find }
}

describe('before a run at RunPod', () => {
  it('everything the issue of a lost dollar asks for is a line, and all are green when all is well', async () => {
    const { items } = await check(allKnown)
    expect(items.filter(({ isOk, isKnown }) => !isOk || !isKnown)).toEqual([])
    const lines = 'dataset mask model endpoint key worker stock hyperparameters upload disk time money'
    expect(items.map(({ id }) => id).join(' ')).toBe(lines)
  })

  it('would start a worker that cannot carry the run, and leave its owner without a way out', async () => {
    const worker = { state: 'unusable', text: 'The worker is too old.', advice: 'Update the worker under Endpoints.' } as const
    const { find } = await check({ endpoint: { worker } })
    expect(find('worker')).toMatchObject({ isOk: false, fix: worker.advice, action: { kind: 'open_page', page: 'endpoints' } })
    for (const state of ['unknown', 'older', 'newer'] as const) {
      const { find: found } = await check({ endpoint: { worker: { ...worker, state } } })
      expect(found('worker')).toMatchObject({ isOk: true, isKnown: state !== 'unknown', text: worker.text })
    }
  })

  it('would call a key good for jobs that has only read, or in an outage', async () => {
    expect((await check({ endpoint: { worker: works } })).find('key')).toMatchObject({ isOk: true, isKnown: true })
    expect((await check()).find('key')).toMatchObject({ isOk: true, isKnown: false, text: expect.stringContaining('may start jobs') })
    for (const lastCheck of ['UNREACHABLE', 'RATE_LIMITED', 'UNEXPECTED_REPLY'] as const) {
      const { find } = await check({ endpoint: { worker: works, remote: { ...told, lastCheck } } })
      for (const id of ['key', 'endpoint'] as const) expect(find(id)).toMatchObject({ isOk: true, isKnown: false })
    }
  })

  it('would draw green what nobody knows', async () => {
    const nothing = { stock: null, volumeGb: null, hasHfToken: null, maySeeSettings: false, lastCheck: 'OK' } as const
    const { items } = await check({ endpoint: { remote: nothing, priceMicroUsdPerHour: null }, model: { isGated: true }, prepare: untold })
    const unknown = items.filter(({ isKnown }) => !isKnown).map(({ id }) => id)
    expect(unknown.join(' ')).toBe('mask gated key worker stock disk time money')
    expect(items.every(({ isOk }) => isOk)).toBe(true)
  })

  it('would let a silent volume hold the page, or call what it does not tell an error', async () => {
    const clock = createInstantClock()
    const { find } = await check({ clock, prepare: (world) => (world.ports.endpoints.connect = () => new Promise(() => undefined)) })
    expect(clock.waits).toEqual([8_000])
    for (const id of ['disk', 'upload'] as const) expect(find(id)).toMatchObject({ isOk: true, isKnown: false })
  })

  it('would leave checkpoints of a high rank without room', async () => {
    const shape = { parameters: 8e9, hiddenSize: 4_096 }
    const endpoint = { remote: { ...told, volumeGb: 24 } }
    const low = await check({ endpoint, model: shape, prepare: untold, config: runConfig({ lora_r: 16, lora_alpha: 32 }) })
    expect(low.find('disk')?.isOk).toBe(true)
    const high = await check({ endpoint, model: shape, prepare: untold, config: runConfig({ lora_r: 256, lora_alpha: 512 }) })
    expect(high.find('disk')).toMatchObject({ isOk: false, fix: expect.stringContaining('Enlarge'), action: { kind: 'open_link' } })
  })

  it('would send a job into a data centre without a free GPU; what is not told is not called taken', async () => {
    const { find } = await check({ endpoint: { remote: { ...told, stock: 'none' } } })
    expect(find('stock')).toMatchObject({ isOk: false, action: { kind: 'test_connection' } })
    for (const stock of ['low', 'medium', 'high', 'unknown', null] as const) {
      const isKnown = stock !== 'unknown' && stock !== null
      expect((await check({ endpoint: { remote: { ...told, stock } } })).find('stock')).toMatchObject({ isOk: true, isKnown })
    }
    expect((await check({ endpoint: { remote: null } })).find('stock')?.text).toContain('does not tell')
  })

  it('would claim that a restricted key may read what it may not', async () => {
    expect((await check({ endpoint: { remote: { ...told, maySeeSettings: false } } })).find('key')?.text).toContain('may not read')
  })

  it('would fetch a model for an hour onto a volume that cannot hold it', async () => {
    const tooSmall = await check({
      endpoint: { remote: { ...told, volumeGb: 10 } },
      model: { parameters: 8e9, hiddenSize: null },
      prepare: untold,
    })
    expect(tooSmall.find('disk')).toMatchObject({ isOk: false, fix: expect.stringContaining('at least 18 GB') })
    const enough = await check({
      endpoint: { remote: { ...told, volumeGb: 18 } },
      model: { parameters: 8e9, hiddenSize: null },
      prepare: untold,
    })
    expect(enough.find('disk')?.isOk).toBe(true)
    const unknown = await check({
      endpoint: { remote: { ...told, volumeGb: null } },
      model: { parameters: 8e9, hiddenSize: null },
      prepare: untold,
    })
    expect(unknown.find('disk')).toMatchObject({ isOk: true, text: expect.stringContaining('does not tell') })
  })

  it('would let a gated model fail after the worker was paid for', async () => {
    const gated = { model: { isGated: true } }
    const none = await check({ ...gated, endpoint: { remote: { ...told, hasHfToken: false } } })
    expect(none.find('gated')).toMatchObject({ isOk: false, action: { kind: 'test_connection' } })
    expect((await check(gated)).find('gated')?.isOk).toBe(true)
    expect((await check({ ...gated, endpoint: { remote: { ...told, hasHfToken: null } } })).find('gated')?.text).toContain('not known')
    const cached = await check({
      ...gated,
      endpoint: { remote: { ...told, hasHfToken: false } },
      prepare: (world) => void world.endpoint.files.set('models/acme--tiny-1B/tunesmith-model.json', '{}'),
    })
    expect(cached.find('gated')).toMatchObject({ isOk: true, text: expect.stringContaining('already') })
    expect((await check()).find('gated')).toBeUndefined()
  })

  it('would say that a file is sent which is there, or there when it is another one', async () => {
    const frozen = { sha256: 'a'.repeat(64), bytes: 5 }
    const sent = await check({ dataset: { frozen } })
    expect(sent.find('upload')?.text).toContain('is sent before')
    const there = await check({
      dataset: { frozen },
      prepare: (world) => void world.endpoint.files.set(`datasets/${frozen.sha256}.jsonl`, '12345'),
    })
    expect(there.find('upload')?.text).toContain('already')
    const torn = await check({
      dataset: { frozen },
      prepare: (world) => void world.endpoint.files.set(`datasets/${frozen.sha256}.jsonl`, '1'),
    })
    expect(torn.find('upload')?.text).toContain('is sent before')
  })

  it('would begin what cannot be done within the longest job', async () => {
    expect((await check({ durationMs: { low: 13 * hourMs, high: 20 * hourMs } })).find('time')).toMatchObject({ isOk: false })
    const close = await check({ durationMs: { low: 8 * hourMs, high: 13 * hourMs } })
    expect(close.find('time')).toMatchObject({ isOk: true, text: expect.stringContaining('may not be enough') })
    expect((await check()).find('time')).toMatchObject({ isOk: true, isKnown: false })
  })

  it('would name another time limit than the one that is sent', async () => {
    const priceMicroUsdPerHour = 1_000_000
    const config = { ...runConfig(), budgetMicroUsd: 2_000_000 }
    const facts = { endpointKind: 'runpod', priceMicroUsdPerHour, monthShareMicroUsd: null }
    const { policy } = limitsOf({ facts, queued: null } as unknown as RunState, config)
    const minutes = Math.floor(policy.executionTimeoutMs / 60_000)
    expect(minutes).toBe(118)
    const { find } = await check({ endpoint: { priceMicroUsdPerHour }, config, durationMs: { low: hourMs, high: hourMs } })
    expect(find('time')?.text).toContain(`after ${Math.floor(minutes / 60)} h ${minutes % 60} min, when the budget is used up`)
    const free = await check({ endpoint: { priceMicroUsdPerHour }, durationMs: { low: hourMs, high: hourMs } })
    expect(free.find('time')?.text).toContain('after 12 h 15 min, and')
  })

  it('would hide that the budget ends the run early, or that the balance allows a smaller one', async () => {
    const price = { priceMicroUsdPerHour: 4_000_000 }
    const early = await check({ endpoint: price, config: { budgetMicroUsd: 1_000_000 }, durationMs: { low: hourMs, high: hourMs } })
    expect(early.find('money')?.text).toContain('end early and keep its best weights')
    const poor = await check({ endpoint: { ...price, balanceMicroUsd: 2_009_999 }, config: { budgetMicroUsd: 5_000_000 } })
    expect(poor.find('money')).toMatchObject({ isOk: false, action: { kind: 'set_budget', budgetMicroUsd: 2_000_000 } })
  })
})

describe('before any run', () => {
  const counted = { modelId: 'acme/tiny-1B', modelName: 'Tiny', total: 1_000, rows: 10, longestRow: 100 }

  it('would pay for a run in which no token is trained', async () => {
    const nothing = await check({ dataset: { tokens: { ...counted, trained: 0 } } })
    expect(nothing.find('mask')).toMatchObject({ isOk: false, action: { kind: 'open_dataset' } })
    const all = await check({ dataset: { tokens: { ...counted, trained: 400, untrainedRows: 0 } } })
    expect(all.find('mask')).toMatchObject({ isOk: true, isKnown: true, text: '400 of 1,000 tokens are trained, some in every row.' })
    const before = await check({ dataset: { tokens: { ...counted, trained: 400 } } })
    expect(before.find('mask')).toMatchObject({ isOk: true, isKnown: false })
  })

  it('would start with rows that the trainer refuses', async () => {
    const tokens = { ...counted, trained: 400, untrainedRows: 3 }
    const { find } = await check({ dataset: { tokens } })
    expect(find('mask')).toMatchObject({ isOk: false, text: expect.stringContaining('3 rows have'), action: { kind: 'leave_rows_out' } })
    const agreed = await check({ dataset: { tokens }, config: { accepts: { rowsWithoutAnswer: true, rowsCut: false } } })
    expect(agreed.find('mask')).toMatchObject({ isOk: true, text: expect.stringContaining('as agreed') })
  })

  it('would judge the mask by the tokenizer of another model', async () => {
    const other = await check({ dataset: { tokens: { ...counted, modelId: 'acme/other', trained: 0 } } })
    expect(other.find('mask')).toMatchObject({ isOk: true, isKnown: false, text: expect.stringContaining('not counted') })
  })

  it.each([
    [{ max_length: 8_192 }, { name: 'max_length', value: 4_096 }],
    [{ load_in_4bit: true }, { name: 'load_in_4bit', value: false }],
    [{ gradient_accumulation_steps: 100 }, { name: 'gradient_accumulation_steps', value: 64 }],
  ])('would name a wrong value (%o) and not the one that is right', async (wrong, repair) => {
    const config = runConfig(wrong)
    const { find } = await check({ kind: 'local', config })
    expect(find('hyperparameters')).toMatchObject({ isOk: false, action: { kind: 'set_hyperparameter', ...repair } })
    const repaired = await check({ kind: 'local', config: runConfig({ ...wrong, [repair.name]: repair.value }) })
    expect(repaired.find('hyperparameters')?.isOk).toBe(true)
  })

  it('would ask this computer what only RunPod is asked', async () => {
    const { items } = await check({ kind: 'local' })
    expect(items.map(({ id }) => id)).toEqual(['dataset', 'mask', 'model', 'endpoint', 'hyperparameters', 'disk'])
  })
})

/** What it takes for every line to be known. */
const allKnown: Circumstances = {
  endpoint: { worker: works, priceMicroUsdPerHour: 1_000_000 },
  dataset: { tokens: { modelId: 'acme/tiny-1B', modelName: 'Tiny', total: 10, trained: 5, rows: 10, longestRow: 9, untrainedRows: 0 } },
  durationMs: { low: hourMs, high: hourMs },
}

function untold(world: ReturnType<typeof createRunWorld>): void {
  world.endpoint.setFreeBytes(null)
}
