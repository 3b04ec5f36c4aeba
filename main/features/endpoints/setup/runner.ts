import { AppError } from '../../../../preload/contract/errors.ts'
import type { SetupStepId } from '../../../../preload/contract/endpoint-setups.ts'
import type { SetupPlan } from '../../../integrations/runpod/setup-account.ts'
import { assertNever } from '../../../lib/assert-never.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { EndpointKeys } from '../endpoint-keys.ts'
import { makePart, removePart, removeStrays } from './parts.ts'
import type { SetupEndpoints, SetupRunpod, WorkerFiles } from './ports.ts'
import type { SetupRepository } from './repository.ts'
import { nextTask, type SetupState, type SetupTask } from './state.ts'

interface RunnerOptions {
  readonly repository: SetupRepository
  readonly runpod: SetupRunpod
  readonly endpoints: SetupEndpoints
  readonly keys: EndpointKeys
  readonly workerFiles: () => Promise<WorkerFiles>
  readonly clock: Clock
  readonly log: Log
  readonly newErrorId: () => string
  onChanged(id: string): void
}

/** Carries set-ups on step by step; each step is stored before and after, so that it can be left at any point. */
export interface SetupRunner {
  /** Goes on from where it stands; nothing happens when it is being worked on. */
  work(id: string): void
  isWorking(id: string): boolean
  /** Lets go of a set-up; resolves when nothing is under way. */
  stop(id: string): Promise<void>
  /** Puts this app's worker on the volume and points the endpoint at it. */
  replaceWorker(state: SetupState): Promise<void>
  dispose(): Promise<void>
}

/** Builds the runner; a step that fails leaves its reason in the state and waits for the user. */
export function createSetupRunner(options: RunnerOptions): SetupRunner {
  const { repository, runpod, endpoints, keys, workerFiles, clock, log, onChanged } = options
  const underWay = new Map<string, { readonly controller: AbortController; readonly done: Promise<void> }>()

  const readOf = (id: string): SetupState => {
    const state = repository.find(id)
    if (state === undefined) throw new Error(`The set-up ${id} is not stored`)
    return state
  }
  const save = (state: SetupState) => {
    repository.write(state)
    onChanged(state.id)
  }
  const change = (id: string, changes: Partial<SetupState>) => save({ ...readOf(id), ...changes })

  const perform = async (task: SetupTask, id: string, signal: AbortSignal): Promise<void> => {
    const account = runpod.account(() => keys.apiKey(id))
    const parts = { account, clock, signal, read: () => readOf(id), save }
    switch (task.kind) {
      case 'make':
        return makePart(task.part, await planOf(readOf(id), workerFiles), parts)
      case 'files':
        return placeFiles(id, signal)
      case 'adopt': {
        const { name, endpoint, hasS3Keys } = readOf(id)
        await endpoints.adopt({ id, name, runpodEndpointId: endpoint.id ?? '', storage: hasS3Keys ? storageOf(readOf(id)) : null })
        return change(id, { isAdopted: true })
      }
      case 'greet':
        await untilAborted(greet(id), signal)
        return change(id, { hasGreeted: true })
      case 'finish':
        for (const part of ['endpoint', 'template', 'volume'] as const) await removeStrays(part, parts)
        return change(id, { phase: 'ready' })
      case 'remove':
        await removePart(task.part, parts)
        if (task.part === 'endpoint') endpoints.forget(id)
        return
      case 'settle':
        return settle(id)
      default:
        return assertNever(task)
    }
  }
  const placeFiles = async (id: string, signal: AbortSignal) => {
    const state = readOf(id)
    if (state.image.kind === 'stock') {
      const { files, version } = await workerFiles()
      await runpod.placeFiles(storageOf(state), await keys.s3Keys(id), files, signal)
      return change(id, { areFilesPlaced: true, filesVersion: version })
    }
    // The keys are tried now, while they can still be corrected.
    if (state.hasS3Keys) await runpod.placeFiles(storageOf(state), await keys.s3Keys(id), [], signal)
    change(id, { areFilesPlaced: true })
  }
  const greet = async (id: string) => {
    try {
      await endpoints.greet(id)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'ENDPOINT_NOT_READY') throw error
      await endpoints.endWorkers(id)
      const words = `${error.message} The endpoint's workers were set to 0, so that only the volume is charged.`
      throw new AppError('ENDPOINT_NOT_READY', words, { cause: error })
    }
  }
  const settle = async (id: string) => {
    const { keepVolume, volume } = readOf(id)
    if (keepVolume && volume.state !== 'gone' && volume.state !== 'none') return change(id, { phase: 'kept' })
    await keys.forgetApiKey(id)
    await keys.forgetS3Keys(id)
    repository.write({ ...readOf(id), phase: 'gone' })
    repository.end(id, clock.nowMs())
    onChanged(id)
  }
  const fail = (id: string, step: SetupStepId, error: unknown) => {
    if (error instanceof AppError) {
      log.info('A step of a set-up failed', { id, step, code: error.code })
      return change(id, { problem: { step, text: error.message, asksFor: askedKeys(step, error) } })
    }
    const errorId = options.newErrorId()
    log.error(`A step of a set-up failed (${errorId})`, error)
    change(id, { problem: { step, text: `Something went wrong inside the app. Error ${errorId} is in the log file.`, asksFor: null } })
  }
  const advance = async (id: string, signal: AbortSignal) => {
    while (!signal.aborted) {
      const task = nextTask(readOf(id))
      if (task === null) return
      try {
        await perform(task, id, signal)
      } catch (error) {
        // Whoever lets go goes on later from what is stored.
        if (!signal.aborted) fail(id, task.step, error)
        return
      }
    }
  }

  return {
    work(id) {
      if (underWay.has(id)) return
      const controller = new AbortController()
      const done = advance(id, controller.signal).finally(() => {
        underWay.delete(id)
        onChanged(id)
      })
      done.catch((error: unknown) => log.error('A set-up could not be carried on', error))
      underWay.set(id, { controller, done })
      onChanged(id)
    },
    isWorking: (id) => underWay.has(id),
    async stop(id) {
      const work = underWay.get(id)
      work?.controller.abort()
      await work?.done
    },
    async replaceWorker(state) {
      const { id, endpoint } = state
      const worker = await workerFiles()
      await runpod.placeFiles(storageOf(state), await keys.s3Keys(id), worker.files, new AbortController().signal)
      const { image, env } = await planOf(state, workerFiles)
      await runpod.account(() => keys.apiKey(id)).useWorker(endpoint.id ?? '', { image, env })
      change(id, { filesVersion: worker.version })
      endpoints.workerReplaced(id)
    },
    async dispose() {
      for (const { controller } of underWay.values()) controller.abort()
      await Promise.all([...underWay.values()].map(({ done }) => done))
    },
  }
}

async function planOf(
  { remoteName, proposal, image, hfTokenSecret }: SetupState,
  workerFiles: () => Promise<WorkerFiles>,
): Promise<SetupPlan> {
  const token: Record<string, string> = hfTokenSecret === null ? {} : { HF_TOKEN: `{{ RUNPOD_SECRET_${hfTokenSecret} }}` }
  if (image.kind === 'own') return { remoteName, proposal, image, env: token }
  const worker = await workerFiles()
  const start = { kind: 'stock', ref: worker.image, args: worker.startCommand } as const
  return { remoteName, proposal, image: start, env: { ...worker.env, ...token } }
}

function storageOf({ volume, proposal }: SetupState) {
  return { volumeId: volume.id ?? '', dataCentreId: proposal.dataCentreId }
}

/** Which keys the user has to give anew for a step to go on. */
function askedKeys(step: SetupStepId, { code }: AppError): 'api_key' | 's3_keys' | null {
  if (code !== 'ENDPOINT_REFUSED' && code !== 'ENDPOINT_KEY_MISSING') return null
  return step === 'files' ? 's3_keys' : 'api_key'
}

/** Waits for something that cannot be ended itself no longer than until the signal aborts. */
function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
