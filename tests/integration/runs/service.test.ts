import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runLogRoutes } from '../../../preload/contract/run-log.ts'
import { runRoutes } from '../../../preload/contract/runs.ts'
import { createRunHandlers } from '../../../main/features/runs/handlers.ts'
import { createRunService } from '../../../main/features/runs/service.ts'
import { createRunEstimator } from '../../../main/features/runs/estimate/estimator.ts'
import { createForecastRepository } from '../../../main/features/runs/estimate/repository.ts'
import { createQueueRepository } from '../../../main/features/runs/queue/repository.ts'
import { createRunLogRepository } from '../../../main/features/runs/log/repository.ts'
import { silentLog } from '../../../main/lib/log.ts'
import { createUuidV7 } from '../../../main/lib/ids.ts'
import { createFakeWorker } from '../../support/runs/fake-worker.ts'
import { createRunWorld, datasetId, isEnded, runConfig, type RunWorld } from '../../support/runs/run-world.ts'

const context = { windowId: 1, droppedPath: null }

function createApp(world: RunWorld, pickCsvPath: () => Promise<string | null> = async () => null) {
  const service = createRunService({
    repository: world.repository,
    progress: world.progress,
    runLog: createRunLogRepository(world.db),
    queue: createQueueRepository(world.db),
    ports: world.ports,
    estimator: createRunEstimator(createForecastRepository(world.db)),
    clock: world.clock,
    events: { publish: (event, payload) => void world.published.push({ event, payload }) },
    newId: () => createUuidV7(world.clock.nowMs()),
    log: silentLog,
    pickCsvPath,
    pickLogPath: pickCsvPath,
    copyText: () => undefined,
  })
  return { service, handlers: createRunHandlers(service) }
}

async function completedRun(world: RunWorld, name = '') {
  const { service, handlers } = createApp(world)
  const { id } = await handlers['runs.start']({ config: runConfig(), name }, context)
  await world.clock.runUntil(() => isEnded(service.get(id)))
  return { id, service, handlers }
}

describe('run routes', () => {
  it('answer what the contract promises, for a run in every status on its way', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const { service, handlers } = createApp(world)
    const { id } = await handlers['runs.start']({ config: runConfig(), name: '' }, context)
    await world.clock.runUntil(() => {
      runRoutes['runs.get'].output.parse(service.get(id))
      return isEnded(service.get(id))
    })
    const log = await handlers['runs.listLog'](runLogRoutes['runs.listLog'].input.parse({ id }), context)
    expect(runLogRoutes['runs.listLog'].output.parse(log).total).toBeGreaterThan(5)
    const events = await handlers['runs.listEvents']({ id }, context)
    expect(runRoutes['runs.listEvents'].output.parse(events).map(({ detail }) => detail)).toContain('Adapter fetched and checked')
    runRoutes['runs.listMetrics'].output.parse(await handlers['runs.listMetrics']({ id, afterStep: -1 }, context))
    runRoutes['runs.estimate'].output.parse(await handlers['runs.estimate'](runConfig(), context))
    runRoutes['runs.preflight'].output.parse(await handlers['runs.preflight'](runConfig(), context))
  })

  it('name a run after model, dataset and preset when the user gives no name', async () => {
    const world = createRunWorld()
    const { handlers } = createApp(world)
    expect((await handlers['runs.start']({ config: runConfig(), name: '' }, context)).name).toBe('tiny-1B · notes · balanced')
    expect((await handlers['runs.start']({ config: runConfig(), name: 'Mine' }, context)).name).toBe('Mine')
  })

  it('hand the trainer what was agreed to, the sample prompts, and no money limit where no price is known', async () => {
    const world = createRunWorld()
    const { handlers } = createApp(world)
    const config = { ...runConfig(), accepts: { rowsWithoutAnswer: true, rowsCut: false }, samplePrompts: ['Hello'] }
    const { id } = await handlers['runs.start']({ config, name: '' }, context)
    await world.clock.runUntil(() => world.endpoint.jobs.size === 1)
    expect(world.endpoint.find(id)?.input).toMatchObject({
      limits: { max_seconds: null, max_cost_micro_usd: null, price_micro_usd_per_hour: null },
      accepts: { rows_without_answer: true, rows_cut: false },
      sample_prompts: ['Hello'],
      hyperparameters: { packing: true, load_in_4bit: false, early_stopping_patience: null },
    })
  })

  it('still read a run that was stored before packing, agreements and sample prompts were known', async () => {
    const world = createRunWorld()
    const { service, handlers } = createApp(world)
    const { id } = await handlers['runs.start']({ config: runConfig(), name: '' }, context)
    world.db
      .prepare(
        `UPDATE run SET config_json = json_remove(config_json, '$.accepts', '$.samplePrompts', '$.hyperparameters.packing',
        '$.hyperparameters.load_in_4bit', '$.hyperparameters.early_stopping_patience'),
        head_json = json_remove(head_json, '$.head.memoryPeakBytes') WHERE id = ?`,
      )
      .run(id)
    expect(service.get(id).config).toEqual(runConfig())
    expect(service.get(id).head.memoryPeakBytes).toBeNull()
  })

  it('list by search, status and sort', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const first = await completedRun(world, 'Beta')
    const second = await first.handlers['runs.start']({ config: runConfig(), name: 'alpha' }, context)
    const list = async (
      input: Partial<{ search: string; status: 'all' | 'active' | 'completed' | 'failed'; sort: 'newest' | 'name' | 'loss' }>,
    ) => (await first.handlers['runs.list']({ search: '', status: 'all', sort: 'newest', ...input }, context)).map(({ name }) => name)
    expect(await list({})).toEqual(['alpha', 'Beta'])
    expect(await list({ sort: 'loss' })).toEqual(['Beta', 'alpha'])
    expect(await list({ status: 'active' })).toEqual(['alpha'])
    expect(await list({ status: 'completed' })).toEqual(['Beta'])
    expect(await list({ status: 'failed' })).toEqual([])
    expect(await list({ search: 'BET' })).toEqual(['Beta'])
    expect(await list({ search: 'notes' })).toEqual(['alpha', 'Beta'])
    expect(second.status).toBe('queued')
  })

  it('refuse to remove an active run and hide a removed one', async () => {
    const world = createRunWorld()
    const { service, handlers } = createApp(world)
    const { id } = await handlers['runs.start']({ config: runConfig(), name: 'x' }, context)
    expect(() => service.delete(id)).toThrow(expect.objectContaining({ code: 'RUN_NOT_ENDED' }))
    service.stop(id, 'discard')
    service.delete(id)
    expect(() => service.get(id)).toThrow(expect.objectContaining({ code: 'RUN_NOT_FOUND' }))
    expect(service.list({ search: '', status: 'all', sort: 'newest' })).toEqual([])
  })

  it.each([
    ['a dataset that is not ready', 'DATASET_NOT_READY', (world: RunWorld) => (world.datasetFacts.isTrainable = false)],
    [
      'an endpoint that cannot train',
      'ENDPOINT_NOT_READY',
      (world: RunWorld) =>
        (world.endpointFacts.current = { ...world.endpointFacts.current, canTrain: false, reason: 'Set up Python first.' }),
    ],
  ])('refuse to start with %s, and store nothing', async (_title, code, spoil: (world: RunWorld) => unknown) => {
    const world = createRunWorld()
    spoil(world)
    const { service } = createApp(world)
    await expect(service.start(runConfig(), '')).rejects.toMatchObject({ code })
    expect(world.repository.list()).toEqual([])
  })

  it('refuse hyperparameters that the model cannot use, naming the field', async () => {
    const { service } = createApp(createRunWorld())
    await expect(service.start(runConfig({ max_length: 32_768 }), '')).rejects.toMatchObject({
      code: 'RUN_CONFIG_INVALID',
      message: expect.stringMatching(/^max_length: /),
    })
  })

  it('estimate the time from an earlier run of the same model on the same endpoint only', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const { service } = createApp(world)
    expect((await service.estimate(runConfig())).durationMs).toBeNull()
    await completedRun(world)
    const estimate = await service.estimate(runConfig())
    // 240,000 characters, 0.9 of the rows, 1.1 ms per token.
    expect(estimate.durationMs?.low).toBeGreaterThan(48_000 * 0.9 * 1.1)
    const other = { ...runConfig(), baseModel: { kind: 'huggingface' as const, id: 'acme/other', revision: null } }
    expect((await service.estimate(other)).durationMs).toBeNull()
  })

  it('resolve a preset with and without a dataset', async () => {
    const { handlers } = createApp(createRunWorld())
    const { baseModel } = runConfig()
    const alone = await handlers['runs.resolvePreset']({ preset: 'fast', baseModel, datasetId: null, isIn4bit: false }, context)
    const fitted = await handlers['runs.resolvePreset']({ preset: 'fast', baseModel, datasetId, isIn4bit: false }, context)
    expect(alone.hyperparameters.max_length).toBe(2048)
    expect(fitted.hyperparameters.max_length).toBe(576)
    expect(fitted.notes.join(' ')).toContain('steps')
  })
})

describe('preflight', () => {
  it('is all green for a run that can start', async () => {
    const { service } = createApp(createRunWorld())
    const items = await service.preflight(runConfig())
    expect(items.map(({ id, isOk }) => [id, isOk])).toEqual(
      ['dataset', 'mask', 'model', 'endpoint', 'hyperparameters', 'disk'].map((id) => [id, true]),
    )
  })

  it('gives every red line a fix', async () => {
    const world = createRunWorld()
    world.datasetFacts.isTrainable = false
    world.endpointFacts.current = { ...world.endpointFacts.current, canTrain: false, reason: 'Set up Python first.' }
    world.endpoint.setFreeBytes(1_000_000)
    const items = await createApp(world).service.preflight(runConfig({ max_length: 32_768 }))
    const reds = items.filter(({ isOk }) => !isOk)
    expect(reds.map(({ id }) => id)).toEqual(['dataset', 'endpoint', 'hyperparameters', 'disk'])
    for (const { fix } of reds) expect(fix).toMatch(/\w+/)
  })

  it('does not count the model twice when it is on the volume already', async () => {
    const world = createRunWorld()
    world.endpoint.setFreeBytes(3_000_000_000)
    const { service } = createApp(world)
    const before = await service.preflight(runConfig())
    world.endpoint.files.set('models/acme--tiny-1B/tunesmith-model.json', '{}')
    const after = await service.preflight(runConfig())
    expect([before, after].map((items) => items.find((item) => item.id === 'disk')?.isOk)).toEqual([false, true])
  })
})

describe('the curve as CSV', () => {
  it('has a header, one line per point and empty fields for what was not measured', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tunesmith-csv-'))
    try {
      const world = createRunWorld()
      createFakeWorker(world.endpoint, world.clock)
      const { id } = await completedRun(world)
      const path = join(folder, 'curve.csv')
      const { handlers } = createApp(world, async () => path)
      expect(await handlers['runs.exportMetricsCsv']({ id }, context)).toEqual({ path })
      const lines = (await readFile(path, 'utf8')).split('\r\n')
      expect(lines[0]).toBe(
        'kind,step,epoch,loss,learning_rate,grad_norm,tokens_per_s,tokens,step_ms,memory_bytes,accuracy,attempt,time_utc',
      )
      expect(lines).toHaveLength(1 + 8 + 1)
      expect(lines[1]).toMatch(/^eval,0,0,3,,,,,,,0\.5,1,20\d\d-/)
      expect(lines[2]).toMatch(/^train,1,0\.1,2\.9,0\.0002,1,900,1000,1100,1000000,,1,20\d\d-/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('writes nothing when the dialog is closed', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const { id, handlers } = await completedRun(world)
    expect(await handlers['runs.exportMetricsCsv']({ id }, context)).toBeNull()
  })
})

describe('lines of this computer’s worker', () => {
  it('go to the run that is being worked on and to no other', async () => {
    const world = createRunWorld()
    createFakeWorker(world.endpoint, world.clock)
    const { service } = createApp(world)
    service.recordLocalWorkerLine('nobody asked')
    const { id } = await service.start(runConfig(), 'x')
    await world.clock.runUntil(() => service.get(id).status === 'running')
    service.recordLocalWorkerLine('loading shards')
    const worker = world.logLines(id).filter(({ source }) => source === 'worker')
    expect(worker.map(({ message }) => message)).toEqual(['loading shards'])
  })
})
