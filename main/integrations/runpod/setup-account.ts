import { proposeEndpoints, type EndpointNeed, type EndpointProposal } from './endpoint-plan.ts'
import { endpointSpec, workerEnv, type WorkerImage } from './endpoint-spec.ts'
import type { AccountQuery } from './account-query.ts'
import type { ControlPlane } from './control-plane.ts'

/** What an endpoint is made of, in the order in which it is made. */
export type SetupPart = 'volume' | 'template' | 'endpoint'

/** Everything that decides what is created. */
export interface SetupPlan {
  /** Unique in the account; all three parts carry it. */
  readonly remoteName: string
  readonly proposal: Pick<EndpointProposal, 'poolIds' | 'excludedGpuTypeIds' | 'dataCentreId' | 'volumeGb' | 'volumeType'>
  readonly image: WorkerImage
  readonly env: Readonly<Record<string, string>>
}

/** The user's account as the set-up of endpoints uses it. */
export interface SetupAccount {
  /** What could be created now; reads only. */
  propose(need: EndpointNeed): Promise<{ readonly proposals: readonly EndpointProposal[]; readonly balanceMicroUsd: number | null }>
  /** Ids of all parts of one kind that carry the name; how a lost answer is settled. */
  find(part: SetupPart, remoteName: string): Promise<readonly string[]>
  /** Makes one part and tells its id. An answer that is lost throws and is never followed by a second try in here. */
  create(part: SetupPart, plan: SetupPlan, made: { readonly volumeId: string; readonly templateId: string }): Promise<string>
  /** Nothing happens to a part that is gone already. */
  remove(part: SetupPart, id: string): Promise<void>
  /** Points an endpoint at another worker; running workers are replaced by RunPod. */
  useWorker(endpointId: string, worker: Pick<SetupPlan, 'image' | 'env'>): Promise<void>
}

/** The image of the worker runs on CUDA 12.8. */
const minCudaVersion = '12.8'
const containerDiskGb = 20
const idleTimeoutMs = 5_000
/** Every job brings its own, shorter limit; this one only must not be in its way. */
const longestJobMs = 24 * 3_600_000

/** Builds the view of one account; the key is asked for at each call. */
export function createSetupAccount(plane: ControlPlane, account: AccountQuery): SetupAccount {
  const specOf = (plan: SetupPlan) =>
    endpointSpec({
      proposal: plan.proposal,
      name: plan.remoteName,
      image: plan.image,
      env: plan.env,
      timeoutMs: longestJobMs,
      idleTimeoutMs,
      containerDiskGb,
      minCudaVersion,
    })
  return {
    async propose(need) {
      const [catalogue, dataCentres, found] = await Promise.all([
        plane.listGpus({ gpuCount: 1, minCudaVersion }),
        plane.listDataCentres(),
        account.find(),
      ])
      const proposals = proposeEndpoints({ need: { ...need, minCudaVersion }, catalogue, dataCentres })
      return { proposals, balanceMicroUsd: 'unknown' in found ? null : found.balanceMicroUsd }
    },
    async find(part, remoteName) {
      const listed = await listOf(plane, part)
      // RunPod appends a mark to the names of some endpoints.
      return listed.filter(({ name }) => name === remoteName || name.startsWith(`${remoteName} `)).map(({ id }) => id)
    },
    async create(part, plan, { volumeId, templateId }) {
      const spec = specOf(plan)
      switch (part) {
        case 'volume':
          return (await plane.createVolume(spec.volume)).id
        case 'template':
          return (await plane.createTemplate(spec.template)).id
        case 'endpoint':
          return (await plane.createEndpoint(spec.endpoint({ templateId, volumeId }))).id
      }
    },
    remove(part, id) {
      switch (part) {
        case 'volume':
          return plane.deleteVolume(id)
        case 'template':
          return plane.deleteTemplate(id)
        case 'endpoint':
          return plane.deleteEndpoint(id)
      }
    },
    async useWorker(endpointId, { image, env }) {
      const start = image.kind === 'stock' ? { args: image.args } : {}
      await plane.replaceWorker(endpointId, { image: image.ref, env: workerEnv(env), ...start })
    },
  }
}

function listOf(plane: ControlPlane, part: SetupPart): Promise<readonly { readonly id: string; readonly name: string }[]> {
  switch (part) {
    case 'volume':
      return plane.listVolumes()
    case 'template':
      return plane.listTemplates()
    case 'endpoint':
      return plane.listEndpoints()
  }
}
