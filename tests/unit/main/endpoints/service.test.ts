import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../../preload/contract/errors.ts'
import { endpointRoutes, type ConnectionReport, type PythonState, type RemoteFacts } from '../../../../preload/contract/endpoints.ts'
import { createEndpointKeys } from '../../../../main/features/endpoints/endpoint-keys.ts'
import { createEndpointHandlers } from '../../../../main/features/endpoints/handlers.ts'
import type { KeyStore } from '../../../../main/features/endpoints/ports.ts'
import { createEndpointRepository } from '../../../../main/features/endpoints/repository.ts'
import { createEndpointService } from '../../../../main/features/endpoints/service.ts'
import { migrate } from '../../../../main/db/migrate.ts'
import { migrations } from '../../../../main/db/migrations.ts'
import { openDatabase } from '../../../../main/db/open.ts'
import { silentLog } from '../../../../main/lib/log.ts'

const apiKey = 'rpa_SECRETSECRETABCD'
const ready: PythonState = { status: 'ready', version: '3.12.4', message: 'Ready.', progress: null }
const remote: RemoteFacts = {
  gpu: 'NVIDIA H100 80GB HBM3',
  gpuCount: 1,
  pricePerHourMicroUsd: 4_180_000,
  workersMax: 1,
  idleTimeoutMs: 5000,
  volumeId: 'vol1',
  dataCentreId: 'EU-RO-1',
  balanceMicroUsd: 12_000_000,
  stock: 'high',
  volumeGb: 100,
  hasHfToken: false,
  readAtMs: 5,
}
const okReport: ConnectionReport = { isOk: true, code: 'OK', summary: 'The connection works.', advice: null, checks: [], checkedAtMs: 5 }

function createKeys(stored: 'keychain' | 'session' = 'keychain') {
  const secrets = new Map<string, string>()
  const keys: KeyStore = {
    find: async (account) => {
      const secret = secrets.get(account)
      return secret === undefined ? undefined : { secret, stored }
    },
    set: async (account, secret) => {
      secrets.set(account, secret)
      return stored
    },
    delete: async (account) => void secrets.delete(account),
    status: async () => ({ isAvailable: stored === 'keychain', message: 'x' }),
  }
  return { secrets, keys }
}

function createApp(options: { stored?: 'keychain' | 'session' } = {}) {
  const database = openDatabase({ path: ':memory:' })
  migrate(database, migrations, () => null)
  const published: { event: string; payload: unknown }[] = []
  const tested: unknown[] = []
  const inUse = new Set<string>()
  const ours = new Set<string>()
  const { secrets, keys } = createKeys(options.stored)
  let python: PythonState = ready
  const connection = { jobs: {}, volume: {} }
  const remoteConnection = { jobs: {}, volume: {} }
  let report = okReport
  let storageFailure: AppError | null = null
  const service = createEndpointService({
    repository: createEndpointRepository(database),
    local: {
      python: () => python,
      device: () => ({ kind: 'cpu', name: 'Processor', memoryBytes: 8 * 1024 ** 3 }),
      workerState: () => 'stopped',
      freeBytes: async () => 50e9,
      setUp: async () => undefined,
      connect: async () => connection as never,
    },
    keys: createEndpointKeys(keys),
    runpod: {
      test: async (target) => {
        tested.push(target)
        return report
      },
      describe: async () => remote,
      connect: async () => remoteConnection as never,
      endpointBill: async () => [],
      volumeBill: async () => [],
      tryStorage: async (storage, pair) => {
        tested.push({ storage, pair })
        if (storageFailure !== null) throw storageFailure
      },
    },
    isInUse: (id) => inUse.has(id),
    isOurs: (id) => ours.has(id),
    clock: { nowMs: () => 1_000, after: () => () => undefined },
    newId: randomUUID,
    events: { publish: (event, payload) => void published.push({ event, payload }) },
    log: silentLog,
  })
  service.start()
  const setReport = (next: ConnectionReport) => (report = next)
  const failStorage = (failure: AppError | null) => (storageFailure = failure)
  return {
    database,
    remoteConnection,
    setReport,
    failStorage,
    service,
    secrets,
    published,
    tested,
    inUse,
    ours,
    connection,
    setPython: (state: PythonState) => (python = state),
  }
}

describe('endpoints', () => {
  let app: ReturnType<typeof createApp>
  beforeEach(() => {
    app = createApp()
  })
  const input = { name: 'Big GPU', runpodEndpointId: 'abc123xyz', apiKey }
  const localId = async () => (await app.service.list())[0]?.id ?? ''

  it('lists this computer once, however often the app starts', async () => {
    app.service.start()
    expect(await app.service.list()).toMatchObject([{ kind: 'local', name: 'This computer', key: null, canTrain: true }])
  })

  it('the key reaches the keychain and nothing else: not the database, not an answer, not an event', async () => {
    const added = await app.service.addRunpod(input)
    expect(app.secrets.get(added.id)).toBe(apiKey)
    expect(added.key).toEqual({ stored: 'keychain', lastFour: 'ABCD' })
    await app.service.testConnection(added.id)
    const everything = JSON.stringify([
      app.database.prepare('SELECT * FROM endpoint').all(),
      await app.service.list(),
      await app.service.get(added.id),
      app.published,
    ])
    expect(everything).not.toContain('SECRET')
  })

  it('a key that is only in memory is shown as such, and as missing after a restart', async () => {
    app = createApp({ stored: 'session' })
    const added = await app.service.addRunpod(input)
    expect(added.key).toEqual({ stored: 'session', lastFour: 'ABCD' })
    app.secrets.clear()
    const report = await app.service.testConnection(added.id)
    expect(report).toMatchObject({ isOk: false, code: 'KEY_MISSING' })
    expect(app.tested).toEqual([])
  })

  it('keeps the report of the last test, and drops it when the key is replaced', async () => {
    const { id } = await app.service.addRunpod(input)
    await app.service.testConnection(id)
    expect(app.tested).toEqual([{ endpointId: 'abc123xyz', apiKey }])
    expect((await app.service.get(id)).lastReport).toEqual(okReport)
    const replaced = await app.service.replaceKey(id, 'rpa_OTHEROTHERWXYZ')
    expect(replaced).toMatchObject({ lastReport: null, key: { lastFour: 'WXYZ' } })
    expect(app.secrets.get(id)).toBe('rpa_OTHEROTHERWXYZ')
  })

  it('does not connect the same RunPod endpoint twice', async () => {
    await app.service.addRunpod(input)
    await expect(app.service.addRunpod({ ...input, name: 'Again' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('Big GPU'),
    })
    expect(app.secrets.size).toBe(1)
  })

  it('a RunPod endpoint would be offered for runs although nothing has shown that its key works', async () => {
    const { id, canTrain, cannotTrainReason } = await app.service.addRunpod(input)
    expect({ canTrain, cannotTrainReason }).toEqual({
      canTrain: false,
      cannotTrainReason: 'The connection has not been tested yet. Open Endpoints and test it.',
    })
    app.setReport({ ...okReport, isOk: false, code: 'KEY_REFUSED', summary: 'RunPod does not know this API key.', advice: 'Replace it.' })
    await app.service.testConnection(id)
    expect(app.service.describe(id)).toMatchObject({ canTrain: false, reason: 'RunPod does not know this API key. Replace it.', gpu: null })
  })

  it('a tested endpoint would have no price, so that a run would show no dollars', async () => {
    const { id } = await app.service.addRunpod(input)
    await app.service.testConnection(id)
    expect(app.service.describe(id)).toMatchObject({
      canTrain: true,
      gpu: { name: 'NVIDIA H100 80GB HBM3', count: 1 },
      priceMicroUsdPerHour: 4_180_000,
    })
    expect((await app.service.get(id)).remote).toEqual(remote)
    expect(await app.service.connect(id)).toBe(app.remoteConnection)
  })

  it('an endpoint that RunPod has put to sleep would be refused although the app can wake it', async () => {
    const { id } = await app.service.addRunpod(input)
    app.setReport({ ...okReport, isOk: false, code: 'WORKERS_MAX_ZERO' })
    await app.service.testConnection(id)
    expect(app.service.describe(id).canTrain).toBe(true)
  })

  it('would keep S3 keys that do not work', async () => {
    const { id } = await app.service.addRunpod(input)
    const storage = { id, volumeId: 'vol1', dataCentreId: 'EU-RO-1', accessKeyId: 'user_ABCDE', secret: 'rps_SECRETSECRET' }
    app.failStorage(new AppError('ENDPOINT_REFUSED', 'The keys were refused.'))
    await expect(app.service.connectStorage(storage)).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED' })
    expect([...app.secrets.keys()]).toEqual([id])
    expect((await app.service.get(id)).storage).toBeNull()
  })

  it('would tell the window S3 keys, or leave them behind when the volume or the endpoint is removed', async () => {
    const { id } = await app.service.addRunpod(input)
    const storage = { id, volumeId: 'vol1', dataCentreId: 'EU-RO-1', accessKeyId: 'user_ABCDE', secret: 'rps_SECRETSECRET' }
    const connected = await app.service.connectStorage(storage)
    expect(connected.storage).toEqual({ volumeId: 'vol1', dataCentreId: 'EU-RO-1' })
    expect(JSON.stringify(connected)).not.toContain('rps_SECRETSECRET')
    expect(app.secrets.get(`${id}:s3`)).toContain('rps_SECRETSECRET')
    app.inUse.add(id)
    await expect(app.service.disconnectStorage(id)).rejects.toMatchObject({ code: 'ENDPOINT_IN_USE' })
    app.inUse.clear()
    expect((await app.service.disconnectStorage(id)).storage).toBeNull()
    await app.service.connectStorage(storage)
    await app.service.delete(id)
    expect(app.secrets.size).toBe(0)
  })

  it('would send a job with the key of another endpoint, or none, when its own key is gone', async () => {
    const { id } = await app.service.addRunpod(input)
    await app.service.testConnection(id)
    app.secrets.delete(id)
    await expect(app.service.connect(id)).rejects.toMatchObject({ code: 'ENDPOINT_KEY_MISSING' })
  })

  it('an endpoint in use is not removed; a removed one is gone with its key but still named for its runs', async () => {
    const { id } = await app.service.addRunpod(input)
    app.inUse.add(id)
    await expect(app.service.delete(id)).rejects.toMatchObject({ code: 'ENDPOINT_IN_USE' })
    expect(app.secrets.has(id)).toBe(true)
    app.inUse.clear()
    await app.service.delete(id)
    expect(app.secrets.has(id)).toBe(false)
    expect(await app.service.list()).toHaveLength(1)
    await expect(app.service.get(id)).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' })
    expect(app.service.describe(id)).toMatchObject({ name: 'Big GPU', canTrain: false })
    await app.service.addRunpod(input)
    expect(await app.service.list()).toHaveLength(2)
  })

  it('this computer cannot be removed and takes no key', async () => {
    await expect(app.service.delete(await localId())).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(app.service.replaceKey(await localId(), apiKey)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('this computer trains only once Python is ready, and says what to do before', async () => {
    const id = await localId()
    expect(await app.service.connect(id)).toBe(app.connection)
    app.setPython({ status: 'missing', version: null, message: 'Install Python.', progress: null })
    expect(app.service.describe(id)).toMatchObject({ canTrain: false, reason: 'Python is not ready on this computer. Install Python.' })
    expect(await app.service.testConnection(id)).toMatchObject({ isOk: false, advice: 'Install Python.' })
  })

  it('tells the windows about every change of this computer, and about the endpoint when it becomes able to train', async () => {
    const id = await localId()
    await app.service.publishLocal()
    app.published.length = 0
    await app.service.publishLocal()
    expect(app.published.map((entry) => entry.event)).toEqual(['endpoints.localChanged'])
    app.setPython({ ...ready, status: 'setting_up', progress: 0.5 })
    await app.service.publishLocal()
    expect(app.published.at(-1)).toEqual({ event: 'endpoints.changed', payload: { id } })
  })

  it('every route answers what the contract says', async () => {
    const handlers = createEndpointHandlers(app.service)
    const context = { windowId: 1, droppedPath: null }
    const added = await handlers['endpoints.addRunpod'](input, context)
    const answers = {
      'endpoints.list': await handlers['endpoints.list']({}, context),
      'endpoints.get': await handlers['endpoints.get']({ id: added.id }, context),
      'endpoints.addRunpod': added,
      'endpoints.rename': await handlers['endpoints.rename']({ id: added.id, name: 'New' }, context),
      'endpoints.replaceKey': await handlers['endpoints.replaceKey']({ id: added.id, apiKey }, context),
      'endpoints.connectStorage': await handlers['endpoints.connectStorage'](
        { id: added.id, volumeId: 'vol1', dataCentreId: 'EU-RO-1', accessKeyId: 'user_ABCDE', secret: 'rps_SECRETSECRET' },
        context,
      ),
      'endpoints.disconnectStorage': await handlers['endpoints.disconnectStorage']({ id: added.id }, context),
      'endpoints.testConnection': await handlers['endpoints.testConnection']({ id: added.id }, context),
      'endpoints.localState': await handlers['endpoints.localState']({}, context),
      'endpoints.setUpLocal': await handlers['endpoints.setUpLocal']({}, context),
      'endpoints.keychainStatus': await handlers['endpoints.keychainStatus']({}, context),
      'endpoints.greet': await handlers['endpoints.greet']({ id: added.id }, context),
      'endpoints.delete': await handlers['endpoints.delete']({ id: added.id }, context),
    } satisfies { readonly [R in keyof typeof endpointRoutes]: unknown }
    for (const [route, answer] of Object.entries(answers)) {
      expect([route, endpointRoutes[route as keyof typeof endpointRoutes].output.safeParse(answer).success]).toEqual([route, true])
    }
  })
})
