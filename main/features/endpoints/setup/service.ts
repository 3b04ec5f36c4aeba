import type { z } from 'zod'
import type {
  createSetupInputSchema,
  proposeSetupInputSchema,
  s3KeysSchema,
  Setup,
  SetupProposal,
  setupProposalsSchema,
} from '../../../../preload/contract/endpoint-setups.ts'
import { AppError } from '../../../../preload/contract/errors.ts'
import type { EventPublisher } from '../../../ipc/events.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { NewId } from '../../../lib/ids.ts'
import type { Log } from '../../../lib/log.ts'
import type { EndpointKeys } from '../endpoint-keys.ts'
import type { BillSource } from '../ports.ts'
import { computeNeed } from './need.ts'
import type { SetupEndpoints, SetupModels, SetupRunpod, WorkerFiles } from './ports.ts'
import type { SetupRepository } from './repository.ts'
import { createSetupRunner } from './runner.ts'
import { hasVolume, type SetupState } from './state.ts'
import { toSetup } from './view.ts'

type ProposeInput = z.output<typeof proposeSetupInputSchema>
type CreateInput = z.output<typeof createSetupInputSchema>
type S3Keys = z.output<typeof s3KeysSchema>

/** Endpoints that the app makes in the user's account, from the proposal to the last thing deleted. */
export interface SetupService {
  /** Carries on what the app left behind; what was agreed to then is agreed to now. */
  start(): Promise<void>
  list(): Setup[]
  propose(input: ProposeInput): Promise<z.output<typeof setupProposalsSchema>>
  create(input: CreateInput): Promise<Setup>
  continue(input: { id: string; apiKey: string | null; s3Keys: S3Keys | null }): Promise<Setup>
  remove(input: { id: string; keepVolume: boolean }): Promise<Setup>
  updateWorker(id: string): Promise<void>
  /** Whether the app has made this endpoint and something of it still exists. */
  has(endpointId: string): boolean
  /** Volumes that stay although their endpoint is gone. */
  billSources(): readonly BillSource[]
  dispose(): Promise<void>
}

interface SetupDependencies {
  readonly repository: SetupRepository
  readonly runpod: SetupRunpod & { volumeBill: VolumeBill }
  readonly endpoints: SetupEndpoints
  readonly models: SetupModels
  readonly keys: EndpointKeys
  readonly workerFiles: () => Promise<WorkerFiles>
  isInUse(endpointId: string): boolean
  readonly clock: Clock
  readonly newId: NewId
  readonly newErrorId: () => string
  readonly events: EventPublisher
  readonly log: Log
}

type VolumeBill = (target: { volumeId: string; apiKey: string }, span: Parameters<BillSource['read']>[0]) => ReturnType<BillSource['read']>

/** Builds the service over the account, the list of endpoints and the keychain. */
export function createSetupService(dependencies: SetupDependencies): SetupService {
  const { repository, runpod, endpoints, models, keys, clock, events, log } = dependencies
  const worker = { version: null as string | null }
  const runner = createSetupRunner({
    ...dependencies,
    onChanged: (id) => events.publish('endpointSetups.changed', { id }),
  })
  const getState = (id: string): SetupState => {
    const state = repository.find(id)
    if (state === undefined || state.phase === 'gone') {
      throw new AppError('ENDPOINT_NOT_FOUND', 'This endpoint is not there any more. Nothing of it is left at RunPod.')
    }
    return state
  }
  const view = (state: SetupState) =>
    toSetup(state, {
      isWorking: runner.isWorking(state.id),
      waitingText: endpoints.greetingText(state.id),
      workerVersion: worker.version,
    })
  const propose = async ({ apiKey, need }: ProposeInput) => {
    const facts = await models.describe(need.baseModel)
    const { basis, ...computed } = computeNeed(facts, need)
    const found = await runpod.account(async () => apiKey).propose(computed)
    const volumeGb = found.proposals[0]?.volumeGb ?? Math.ceil(computed.volumeBytes / 1e9)
    return {
      ...found,
      proposals: found.proposals.map(toProposal),
      gpuMemoryBytes: computed.gpuMemoryBytes,
      volumeGb,
      basis,
      label: facts.label,
    }
  }
  const assertNotInUse = (id: string) => {
    if (!dependencies.isInUse(id)) return
    throw new AppError('ENDPOINT_IN_USE', 'A run on this endpoint has not ended. Stop it or wait for its end first.')
  }

  return {
    async start() {
      try {
        worker.version = (await dependencies.workerFiles()).version
      } catch (error) {
        log.warning('The worker that comes with the app could not be read', error)
      }
      for (const { id, phase, problem } of repository.list()) {
        if (problem === null && (phase === 'creating' || phase === 'deleting')) runner.work(id)
      }
    },
    list: () => repository.list().map(view),
    async propose(input) {
      const { label: _label, ...found } = await propose(input)
      return found
    },
    async create(input) {
      const { label, proposals } = await propose(input)
      assertStillSo(input.proposal, proposals)
      const id = dependencies.newId()
      await keys.storeApiKey(id, input.apiKey)
      const { s3Keys } = input
      if (s3Keys !== null) await keys.storeS3Keys(id, { accessKeyId: s3Keys.accessKeyId, secretAccessKey: s3Keys.secret })
      const state = newState(input, { id, label, nowMs: clock.nowMs() })
      repository.write(state)
      runner.work(id)
      return view(state)
    },
    async continue({ id, apiKey, s3Keys }) {
      getState(id)
      if (apiKey !== null) await keys.storeApiKey(id, apiKey)
      if (s3Keys !== null) await keys.storeS3Keys(id, { accessKeyId: s3Keys.accessKeyId, secretAccessKey: s3Keys.secret })
      repository.write({ ...getState(id), problem: null })
      runner.work(id)
      return view(getState(id))
    },
    async remove({ id, keepVolume }) {
      getState(id)
      assertNotInUse(id)
      await runner.stop(id)
      repository.write({ ...getState(id), phase: 'deleting', keepVolume, problem: null })
      runner.work(id)
      return view(getState(id))
    },
    async updateWorker(id) {
      const state = getState(id)
      if (state.phase !== 'ready' || state.image.kind !== 'stock') {
        throw new AppError('INVALID_INPUT', 'Only an endpoint that runs the worker of this app can be updated here.')
      }
      assertNotInUse(id)
      await runner.replaceWorker(state)
    },
    has(endpointId) {
      const state = repository.find(endpointId)
      return state !== undefined && state.phase !== 'gone'
    },
    billSources: () =>
      repository.list().flatMap((state): BillSource[] => {
        const { id, name, phase, volume } = state
        const volumeId = volume.id
        if (phase !== 'kept' || volumeId === null || !hasVolume(state)) return []
        const read: BillSource['read'] = async (span) => runpod.volumeBill({ volumeId, apiKey: await keys.apiKey(id) }, span)
        return [{ subject: 'volume', remoteId: volumeId, name, read }]
      }),
    dispose: () => runner.dispose(),
  }
}

/** What was agreed to is made, or nothing: the offer must still stand and may not have become dearer. */
function assertStillSo(agreed: SetupProposal, now: readonly SetupProposal[]): void {
  const same = now.find(({ dataCentreId, poolIds }) => dataCentreId === agreed.dataCentreId && poolIds.join() === agreed.poolIds.join())
  const isDearer = same !== undefined && same.highestPricePerHourMicroUsd > agreed.highestPricePerHourMicroUsd
  const isOther = same === undefined || same.volumeGb !== agreed.volumeGb || same.volumeType !== agreed.volumeType
  if (isOther) throw new AppError('INVALID_INPUT', 'RunPod no longer has this offer. Nothing was made; look for offers again.')
  if (isDearer) throw new AppError('INVALID_INPUT', 'The price of this offer has risen. Nothing was made; look for offers again.')
}

function newState(
  { name, s3Keys, image, hfTokenSecret, proposal }: CreateInput,
  made: { id: string; label: string; nowMs: number },
): SetupState {
  const none = { state: 'none', id: null } as const
  return {
    v: 1,
    id: made.id,
    name,
    remoteName: `tunesmith-${made.id.replaceAll('-', '').slice(-12)}`,
    baseModelLabel: made.label,
    proposal,
    image,
    hfTokenSecret,
    hasS3Keys: s3Keys !== null,
    phase: 'creating',
    keepVolume: false,
    volume: none,
    template: none,
    endpoint: none,
    filesVersion: null,
    areFilesPlaced: false,
    isAdopted: false,
    hasGreeted: false,
    problem: null,
    createdAtMs: made.nowMs,
  }
}

function toProposal(
  proposal: Readonly<Omit<SetupProposal, 'poolIds' | 'excludedGpuTypeIds' | 'compliance'>> & {
    readonly poolIds: readonly string[]
    readonly excludedGpuTypeIds: readonly string[]
    readonly compliance: readonly string[]
  },
): SetupProposal {
  return {
    ...proposal,
    poolIds: [...proposal.poolIds],
    excludedGpuTypeIds: [...proposal.excludedGpuTypeIds],
    compliance: [...proposal.compliance],
  }
}
