import {
  greetingLimitMs,
  type AddRunpodInput,
  type ConnectionReport,
  type ConnectStorageInput,
  type Endpoint,
  type EndpointWorker,
  type LocalState,
  type Storage,
} from '../../../preload/contract/endpoints.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { Log } from '../../lib/log.ts'
import { billSourcesOf } from './bill-sources.ts'
import { createConnectionTester } from './connection-tester.ts'
import { describeEndpoint, remoteReasonOf, type EndpointDescription } from './describe-endpoint.ts'
import type { EndpointKeys } from './endpoint-keys.ts'
import { createGreeter, unknownWorker } from './greeting.ts'
import type { BillSource, EndpointConnection, LocalComputer, Runpod } from './ports.ts'
import type { EndpointRepository, StoredEndpoint } from './repository.ts'
import { judgeWorker } from './worker-verdict.ts'

/** The rules of endpoints: what there is, whether it can train, and how to reach it. */
export interface EndpointService {
  /** Makes sure that this computer is listed, and follows the greetings that the app left behind. */
  start(): void
  dispose(): void
  list(): Promise<Endpoint[]>
  get(id: string): Promise<Endpoint>
  addRunpod(input: AddRunpodInput): Promise<Endpoint>
  rename(id: string, name: string): Promise<Endpoint>
  replaceKey(id: string, apiKey: string): Promise<Endpoint>
  connectStorage(input: ConnectStorageInput): Promise<Endpoint>
  disconnectStorage(id: string): Promise<Endpoint>
  testConnection(id: string): Promise<ConnectionReport>
  /** Starts a billed worker and asks it for its version; rejects when none answers in time. */
  greet(id: string): Promise<void>
  startGreeting(id: string): void
  /** What a greeting waits for now; null when none is under way. */
  greetingText(id: string): string | null
  /** Forgets what the former worker has said. */
  workerReplaced(id: string): void
  /** Ends all workers of an endpoint and starts none until it is woken. */
  endWorkers(id: string): Promise<void>
  /** Lists an endpoint that the app has made; its keys are in the keychain already. Doing it twice changes nothing. */
  adopt(made: { id: string; name: string; runpodEndpointId: string; storage: Storage | null }): Promise<void>
  /** Takes an endpoint that is gone at RunPod off the list and keeps its keys. */
  forget(id: string): void
  delete(id: string): Promise<void>
  localState(): Promise<LocalState>
  setUpLocal(): void
  keychainStatus(): Promise<{ isAvailable: boolean; message: string }>
  /** For runs: whether an endpoint can train now, and why not. */
  describe(id: string): EndpointDescription
  /** Reads anew what RunPod tells about an endpoint, unless that was done a moment ago, and waits for it only so long. */
  refresh(id: string): Promise<void>
  connect(id: string): Promise<EndpointConnection>
  /** For the costs: everything RunPod sends the user a bill for. */
  billSources(): readonly BillSource[]
  /** Tells the windows that something about this computer changed; never rejects. */
  publishLocal(): Promise<void>
}

interface ServiceDependencies {
  readonly repository: EndpointRepository
  readonly local: LocalComputer
  readonly keys: EndpointKeys
  readonly runpod: Runpod
  /** Whether a run that has not ended uses the endpoint. */
  isInUse(endpointId: string): boolean
  /** Whether the app has made it and can change or delete it at RunPod. */
  isOurs(endpointId: string): boolean
  readonly clock: Clock
  readonly newId: NewId
  readonly events: EventPublisher
  readonly log: Log
}

/** Builds the service; `start` comes before everything else. */
export function createEndpointService(dependencies: ServiceDependencies): EndpointService {
  const { repository, local, runpod, keys, clock, newId, events, log } = dependencies
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
  const verdictOf = ({ id, worker }: StoredEndpoint) => judgeWorker(worker.facts, dependencies.isOurs(id))
  const workerOf = (stored: StoredEndpoint): EndpointWorker => {
    const text = greeter.waitingText(stored.id)
    const sinceMs = stored.worker.asked?.askedAtMs ?? clock.nowMs()
    const price = stored.remote?.pricePerHourMicroUsd ?? null
    return {
      facts: stored.worker.facts,
      verdict: verdictOf(stored),
      greeting: text === null ? null : { sinceMs, text },
      problem: stored.worker.problem,
      greetingMostMicroUsd: price === null ? null : Math.ceil((price * greetingLimitMs) / 3_600_000),
    }
  }
  const toEndpoint = async (stored: StoredEndpoint): Promise<Endpoint> => {
    const reason = reasonOf(stored)
    return {
      id: stored.id,
      kind: stored.kind,
      name: stored.name,
      runpodEndpointId: stored.runpodEndpointId,
      key: stored.kind === 'local' ? null : await keys.facts(stored.id),
      canTrain: reason === null,
      cannotTrainReason: reason,
      lastReport: stored.lastReport,
      remote: stored.remote,
      storage: stored.storage,
      worker: stored.kind === 'local' ? null : workerOf(stored),
      createdAtMs: stored.createdAtMs,
    }
  }
  const assertNotInUse = (id: string, sentence: string) => {
    if (dependencies.isInUse(id)) throw new AppError('ENDPOINT_IN_USE', sentence)
  }
  const changed = (id: string) => events.publish('endpoints.changed', { id })
  const greeter = createGreeter({
    connect: (id) => connect(id),
    read: (id) => repository.find(id)?.worker ?? unknownWorker,
    save: (id, state) => repository.saveWorker(id, state),
    onChanged: (id) => changed(id),
    clock,
    log,
  })
  const greet = async (id: string) => void (await greeter.greet(id))
  const localState = async (): Promise<LocalState> => ({
    python: local.python(),
    device: local.device(),
    worker: local.workerState(),
    diskFreeBytes: await local.freeBytes(),
  })
  const tester = createConnectionTester({ repository, localState, runpod, keys, clock, log, changed })
  const connect = async (id: string): Promise<EndpointConnection> => {
    const endpoint = getStored(id)
    if (endpoint.runpodEndpointId === null) return local.connect()
    await keys.apiKey(id)
    const storage = endpoint.storage === null ? null : { ...endpoint.storage, keys: () => keys.s3Keys(id) }
    return runpod.connect({ id, endpointId: endpoint.runpodEndpointId, apiKey: () => keys.apiKey(id), storage })
  }
  return {
    start() {
      if (repository.findLocal() === undefined)
        repository.insert({ id: newId(), kind: 'local', name: 'This computer', runpodEndpointId: null, createdAtMs: clock.nowMs() })
      for (const { id, worker } of repository.list()) {
        if (worker.asked !== null) greet(id).catch((error: unknown) => log.info('A greeting was not answered', { id, error }))
      }
    },
    dispose: () => greeter.dispose(),
    list: () => Promise.all(repository.list().map(toEndpoint)),
    get: async (id) => toEndpoint(getStored(id)),
    async addRunpod({ name, runpodEndpointId, apiKey }) {
      const same = repository.list().find((endpoint) => endpoint.runpodEndpointId === runpodEndpointId)
      if (same !== undefined)
        throw new AppError('INVALID_INPUT', `This endpoint is already connected as “${same.name}”. Replace its key there.`)
      const id = newId()
      await keys.storeApiKey(id, apiKey)
      try {
        repository.insert({ id, kind: 'runpod', name, runpodEndpointId, createdAtMs: clock.nowMs() })
      } catch (error) {
        await keys.forgetApiKey(id)
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
      await keys.storeApiKey(id, apiKey)
      repository.saveReport(id, null)
      changed(id)
      return toEndpoint(getStored(id))
    },
    async connectStorage({ id, volumeId, dataCentreId, accessKeyId, secret }) {
      getRunpod(id)
      const storage = { volumeId, dataCentreId }
      const pair = { accessKeyId, secretAccessKey: secret }
      await runpod.tryStorage(storage, pair)
      await keys.storeS3Keys(id, pair)
      repository.saveStorage(id, storage)
      changed(id)
      return toEndpoint(getStored(id))
    },
    async disconnectStorage(id) {
      getRunpod(id)
      assertNotInUse(id, 'A run on this endpoint has not ended and needs its network volume. Stop it or wait for its end.')
      repository.saveStorage(id, null)
      await keys.forgetS3Keys(id)
      changed(id)
      return toEndpoint(getStored(id))
    },
    testConnection: (id) => tester.test(getStored(id)),
    greet,
    startGreeting(id) {
      getRunpod(id)
      greet(id).catch((error: unknown) => log.info('A greeting was not answered', { id, error }))
    },
    greetingText: (id) => greeter.waitingText(id),
    workerReplaced(id) {
      repository.saveWorker(id, unknownWorker)
      changed(id)
    },
    async endWorkers(id) {
      await (await connect(id)).endWorkers?.()
    },
    async adopt({ storage, ...made }) {
      if (repository.find(made.id) === undefined) repository.insert({ ...made, kind: 'runpod', createdAtMs: clock.nowMs() })
      repository.saveStorage(made.id, storage)
      await tester.test(getStored(made.id))
    },
    forget(id) {
      const endpoint = repository.find(id)
      if (endpoint === undefined || endpoint.deletedAtMs !== null) return
      repository.markDeleted(id, clock.nowMs())
      changed(id)
    },
    async delete(id) {
      const endpoint = getStored(id)
      if (endpoint.kind === 'local') throw new AppError('INVALID_INPUT', 'This computer is part of the app and stays in the list.')
      if (dependencies.isOurs(id)) {
        throw new AppError(
          'INVALID_INPUT',
          'The app has made this endpoint at RunPod. Delete it there with its own button, so that nothing goes on costing.',
        )
      }
      assertNotInUse(id, 'A run on this endpoint has not ended. Stop it or wait for its end, then remove the endpoint.')
      repository.markDeleted(id, clock.nowMs())
      await keys.forgetApiKey(id)
      if (endpoint.storage !== null) await keys.forgetS3Keys(id)
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
      return describeEndpoint(endpoint, { reason: reasonOf(endpoint), device: local.device(), verdict: verdictOf(endpoint) })
    },
    async refresh(id) {
      const endpoint = repository.find(id)
      if (endpoint?.kind === 'runpod' && endpoint.deletedAtMs === null) await tester.refresh(endpoint)
    },
    connect,
    billSources: () => billSourcesOf(repository.list(), { runpod, keyOf: keys.apiKey }),
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
