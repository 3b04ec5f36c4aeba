import { z } from 'zod'
import type { AddRunpodInput, ConnectionReport, ConnectStorageInput, Endpoint, LocalState } from '../../../preload/contract/endpoints.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { Log } from '../../lib/log.ts'
import { localReport } from './local-report.ts'
import { billSourcesOf } from './bill-sources.ts'
import type { BillSource, EndpointConnection, KeyStore, LocalComputer, Runpod, StorageKeys } from './ports.ts'
import type { EndpointRepository, StoredEndpoint } from './repository.ts'

/** The rules of endpoints: what there is, whether it can train, and how to reach it. */
export interface EndpointService {
  /** Makes sure that this computer is listed. */
  start(): void
  list(): Promise<Endpoint[]>
  get(id: string): Promise<Endpoint>
  addRunpod(input: AddRunpodInput): Promise<Endpoint>
  rename(id: string, name: string): Promise<Endpoint>
  replaceKey(id: string, apiKey: string): Promise<Endpoint>
  connectStorage(input: ConnectStorageInput): Promise<Endpoint>
  disconnectStorage(id: string): Promise<Endpoint>
  testConnection(id: string): Promise<ConnectionReport>
  delete(id: string): Promise<void>
  localState(): Promise<LocalState>
  setUpLocal(): void
  keychainStatus(): Promise<{ isAvailable: boolean; message: string }>
  /** For runs: whether an endpoint can train now, and why not. */
  describe(id: string): EndpointDescription
  connect(id: string): Promise<EndpointConnection>
  /** For the costs: everything RunPod sends the user a bill for. */
  billSources(): readonly BillSource[]
  /** Tells the windows that something about this computer changed; never rejects. */
  publishLocal(): Promise<void>
}

/** What a run has to know about the place it is trained at. */
export interface EndpointDescription {
  readonly id: string
  readonly name: string
  readonly kind: 'local' | 'runpod'
  readonly canTrain: boolean
  /** Why it cannot train now; null when it can. */
  readonly reason: string | null
  readonly hasCuda: boolean
  readonly gpu: { readonly name: string; readonly count: number } | null
  readonly priceMicroUsdPerHour: number | null
  readonly balanceMicroUsd: number | null
}

interface ServiceDependencies {
  readonly repository: EndpointRepository
  readonly local: LocalComputer
  readonly keys: KeyStore
  readonly runpod: Runpod
  /** Whether a run that has not ended uses the endpoint. */
  isInUse(endpointId: string): boolean
  readonly clock: Clock
  readonly newId: NewId
  readonly events: EventPublisher
  readonly log: Log
}

/** Builds the service; `start` comes before everything else. */
export function createEndpointService(dependencies: ServiceDependencies): EndpointService {
  const { repository, local, runpod, keys, clock, newId, events, log } = dependencies
  /** Where each key is and how it ends, so that a list does not ask the keychain every time. */
  const keyFacts = new Map<string, NonNullable<Endpoint['key']>>()
  let couldTrain: boolean | null = null

  const getStored = (id: string): StoredEndpoint => {
    const endpoint = repository.find(id)
    if (endpoint === undefined || endpoint.deletedAtMs !== null) {
      throw new AppError('ENDPOINT_NOT_FOUND', 'This endpoint is not there any more. Choose another one.')
    }
    return endpoint
  }
  const getRunpod = (id: string): StoredEndpoint & { runpodEndpointId: string } => {
    const endpoint = getStored(id)
    if (endpoint.runpodEndpointId === null) throw new AppError('INVALID_INPUT', 'This computer needs no key.')
    return { ...endpoint, runpodEndpointId: endpoint.runpodEndpointId }
  }
  const reasonOf = (endpoint: StoredEndpoint): string | null => {
    if (endpoint.deletedAtMs !== null) return 'This endpoint was removed.'
    if (endpoint.kind === 'runpod') return remoteReasonOf(endpoint)
    const python = local.python()
    return python.status === 'ready' ? null : `Python is not ready on this computer. ${python.message}`
  }
  const keyOfRunpod = async (id: string): Promise<string> => {
    const key = await keys.find(id)
    if (key !== undefined) return key.secret
    throw new AppError('ENDPOINT_KEY_MISSING', 'There is no API key for this endpoint on this computer. Replace the key under Endpoints.')
  }
  const storageKeysOf = async (id: string): Promise<StorageKeys> => {
    const kept = await keys.find(storageAccount(id))
    if (kept !== undefined) return storageKeysSchema.parse(JSON.parse(kept.secret))
    throw new AppError('ENDPOINT_KEY_MISSING', 'The S3 keys of this endpoint are not on this computer. Connect its network volume again.')
  }
  const keyOf = async (endpoint: StoredEndpoint): Promise<Endpoint['key']> => {
    if (endpoint.kind === 'local') return null
    const known = keyFacts.get(endpoint.id)
    if (known !== undefined) return known
    const found = await keys.find(endpoint.id)
    const facts: NonNullable<Endpoint['key']> =
      found === undefined ? { stored: 'none', lastFour: null } : { stored: found.stored, lastFour: lastFour(found.secret) }
    // A keychain that is locked now may be open later.
    if (found !== undefined) keyFacts.set(endpoint.id, facts)
    return facts
  }
  const toEndpoint = async (stored: StoredEndpoint): Promise<Endpoint> => {
    const reason = reasonOf(stored)
    return {
      id: stored.id,
      kind: stored.kind,
      name: stored.name,
      runpodEndpointId: stored.runpodEndpointId,
      key: await keyOf(stored),
      canTrain: reason === null,
      cannotTrainReason: reason,
      lastReport: stored.lastReport,
      remote: stored.remote,
      storage: stored.storage,
      createdAtMs: stored.createdAtMs,
    }
  }
  const assertNotInUse = (id: string, sentence: string) => {
    if (dependencies.isInUse(id)) throw new AppError('ENDPOINT_IN_USE', sentence)
  }
  const changed = (id: string) => events.publish('endpoints.changed', { id })
  const storeKey = async (id: string, apiKey: string) => {
    const stored = await keys.set(id, apiKey)
    keyFacts.set(id, { stored, lastFour: lastFour(apiKey) })
  }
  const localState = async (): Promise<LocalState> => ({
    python: local.python(),
    device: local.device(),
    worker: local.workerState(),
    diskFreeBytes: await local.freeBytes(),
  })
  const makeReport = async (endpoint: StoredEndpoint): Promise<ConnectionReport> => {
    if (endpoint.runpodEndpointId === null) return localReport(await localState(), clock.nowMs())
    const key = await keys.find(endpoint.id)
    if (key === undefined) return keyMissing(clock.nowMs())
    const target = { endpointId: endpoint.runpodEndpointId, apiKey: key.secret }
    const report = await runpod.test(target)
    if (report.code !== 'KEY_REFUSED' && report.code !== 'ENDPOINT_NOT_FOUND')
      repository.saveRemote(endpoint.id, await runpod.describe(target))
    return report
  }

  return {
    start() {
      if (repository.findLocal() !== undefined) return
      repository.insert({ id: newId(), kind: 'local', name: 'This computer', runpodEndpointId: null, createdAtMs: clock.nowMs() })
    },
    list: () => Promise.all(repository.list().map(toEndpoint)),
    get: async (id) => toEndpoint(getStored(id)),
    async addRunpod({ name, runpodEndpointId, apiKey }) {
      const same = repository.list().find((endpoint) => endpoint.runpodEndpointId === runpodEndpointId)
      if (same !== undefined)
        throw new AppError('INVALID_INPUT', `This endpoint is already connected as “${same.name}”. Replace its key there.`)
      const id = newId()
      await storeKey(id, apiKey)
      try {
        repository.insert({ id, kind: 'runpod', name, runpodEndpointId, createdAtMs: clock.nowMs() })
      } catch (error) {
        await keys.delete(id)
        throw error
      }
      changed(id)
      return toEndpoint(getStored(id))
    },
    async rename(id, name) {
      getStored(id)
      repository.rename(id, name)
      changed(id)
      return toEndpoint(getStored(id))
    },
    async replaceKey(id, apiKey) {
      getRunpod(id)
      await storeKey(id, apiKey)
      repository.saveReport(id, null)
      changed(id)
      return toEndpoint(getStored(id))
    },
    async connectStorage({ id, volumeId, dataCentreId, accessKeyId, secret }) {
      getRunpod(id)
      const storage = { volumeId, dataCentreId }
      const pair = { accessKeyId, secretAccessKey: secret }
      await runpod.tryStorage(storage, pair)
      await keys.set(storageAccount(id), JSON.stringify(pair))
      repository.saveStorage(id, storage)
      changed(id)
      return toEndpoint(getStored(id))
    },
    async disconnectStorage(id) {
      getRunpod(id)
      assertNotInUse(id, 'A run on this endpoint has not ended and needs its network volume. Stop it or wait for its end.')
      repository.saveStorage(id, null)
      await keys.delete(storageAccount(id))
      changed(id)
      return toEndpoint(getStored(id))
    },
    async testConnection(id) {
      const report = await makeReport(getStored(id))
      repository.saveReport(id, report)
      changed(id)
      return report
    },
    async delete(id) {
      const endpoint = getStored(id)
      if (endpoint.kind === 'local') throw new AppError('INVALID_INPUT', 'This computer is part of the app and stays in the list.')
      assertNotInUse(id, 'A run on this endpoint has not ended. Stop it or wait for its end, then remove the endpoint.')
      repository.markDeleted(id, clock.nowMs())
      keyFacts.delete(id)
      await keys.delete(id)
      if (endpoint.storage !== null) await keys.delete(storageAccount(id))
      changed(id)
    },
    localState,
    setUpLocal() {
      // It takes minutes; how it goes is told by the state, and a failure stands there too.
      local.setUp().catch((error: unknown) => log.warning('Python could not be set up', error))
    },
    keychainStatus: () => keys.status(),
    describe(id) {
      const endpoint = repository.find(id)
      if (endpoint === undefined) throw new AppError('ENDPOINT_NOT_FOUND', 'This endpoint is not there any more. Choose another one.')
      const reason = reasonOf(endpoint)
      const device = local.device()
      const hasCuda = endpoint.kind === 'runpod' || device?.kind === 'cuda'
      const { remote } = endpoint
      const gpu =
        endpoint.kind === 'local'
          ? device?.kind === 'cuda'
            ? { name: device.name, count: 1 }
            : null
          : remote?.gpu === null || remote === null
            ? null
            : { name: remote.gpu, count: remote.gpuCount }
      return {
        id,
        name: endpoint.name,
        kind: endpoint.kind,
        canTrain: reason === null,
        reason,
        hasCuda,
        gpu,
        priceMicroUsdPerHour: remote?.pricePerHourMicroUsd ?? null,
        balanceMicroUsd: remote?.balanceMicroUsd ?? null,
      }
    },
    async connect(id) {
      const endpoint = getStored(id)
      if (endpoint.runpodEndpointId === null) return local.connect()
      await keyOfRunpod(id)
      const storage = endpoint.storage === null ? null : { ...endpoint.storage, keys: () => storageKeysOf(id) }
      return runpod.connect({ id, endpointId: endpoint.runpodEndpointId, apiKey: () => keyOfRunpod(id), storage })
    },
    billSources: () => billSourcesOf(repository.list(), { runpod, keyOf: keyOfRunpod }),
    async publishLocal() {
      try {
        const state = await localState()
        events.publish('endpoints.localChanged', state)
        const endpoint = repository.findLocal()
        const canTrain = state.python.status === 'ready'
        if (endpoint !== undefined && canTrain !== couldTrain) changed(endpoint.id)
        couldTrain = canTrain
      } catch (error) {
        log.warning('A change of this computer could not be shown', error)
      }
    },
  }
}

const storageKeysSchema = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() })

/** Where the keychain keeps the S3 keys of an endpoint. */
function storageAccount(id: string): string {
  return `${id}:s3`
}

/** A RunPod endpoint trains once a test has shown that its key works and that workers can start. */
function remoteReasonOf({ lastReport }: StoredEndpoint): string | null {
  if (lastReport === null) return 'The connection has not been tested yet. Open Endpoints and test it.'
  // An endpoint that was idle for a week is woken before a run, and a rate limit or a lost network pass by themselves.
  if (lastReport.isOk || ['WORKERS_MAX_ZERO', 'RATE_LIMITED', 'UNREACHABLE', 'NO_WORKERS'].includes(lastReport.code)) return null
  return `${lastReport.summary} ${lastReport.advice ?? ''}`.trim()
}

function lastFour(secret: string): string {
  return secret.slice(-4)
}

function keyMissing(nowMs: number): ConnectionReport {
  return {
    isOk: false,
    code: 'KEY_MISSING',
    summary: 'There is no API key for this endpoint on this computer.',
    advice: 'Replace the key. Without a keychain, keys are forgotten when the app quits.',
    checks: [{ name: 'API key', isOk: false, text: 'Neither in the keychain nor in this session.' }],
    checkedAtMs: nowMs,
  }
}
