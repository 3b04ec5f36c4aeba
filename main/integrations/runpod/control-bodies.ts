/** Body of a new network volume, in the API's own words. */
export interface VolumeBody {
  readonly name: string
  /** GB, 10 to 4096. */
  readonly size: number
  readonly dataCenter: string
  readonly type?: 'STANDARD' | 'HIGH_PERFORMANCE'
}

/** What a container is made of; templates and endpoints share it. */
interface ContainerBody {
  readonly image: string
  /** Container disk in GB. */
  readonly disk: number
  readonly env: Readonly<Record<string, string>>
  readonly args?: string
  /** Id of the login of a private registry. */
  readonly registry?: string
}

/** Body of a new template. */
export interface TemplateBody extends ContainerBody {
  readonly name: string
  readonly serverless: true
  readonly public: false
}

/** Body of a new endpoint. */
export interface EndpointBody extends ContainerBody {
  readonly name: string
  readonly type: 'QUEUE'
  readonly templateId: string
  readonly gpu: {
    readonly pools: readonly string[]
    readonly excludedTypes?: readonly string[]
    readonly count: number
    readonly minCudaVersion?: string
  }
  readonly scaling: { readonly type: 'QUEUE_DELAY'; readonly queueDelay: number }
  /** `idleTimeout` in seconds. */
  readonly workers: { readonly min: number; readonly max: number; readonly idleTimeout: number }
  /** Milliseconds; RunPod takes 0 when it is left out. */
  readonly timeout: number
  readonly flashboot: 'OFF'
  readonly networkVolumes: readonly string[]
  readonly dataCenterIds: readonly string[]
}

/** What may be changed on an endpoint; what is left out stays as it is. */
export interface EndpointChange {
  readonly name?: string
  readonly workersMin?: number
  readonly workersMax?: number
  readonly idleTimeoutMs?: number
  readonly timeoutMs?: number
  readonly image?: string
  readonly args?: string
  readonly diskGb?: number
  readonly env?: Readonly<Record<string, string>>
  readonly gpu?: EndpointBody['gpu']
  readonly networkVolumeIds?: readonly string[]
  readonly dataCenterIds?: readonly string[]
}

/** A change in the API's own words, without the fields that stay. */
export function endpointPatchOf(change: EndpointChange): Record<string, unknown> {
  const { workersMin, workersMax, idleTimeoutMs } = change
  const workers = present({
    min: workersMin,
    max: workersMax,
    idleTimeout: idleTimeoutMs === undefined ? undefined : idleTimeoutSecondsOf(idleTimeoutMs),
  })
  return present({
    name: change.name,
    workers: Object.keys(workers).length === 0 ? undefined : workers,
    timeout: change.timeoutMs,
    image: change.image,
    args: change.args,
    disk: change.diskGb,
    env: change.env,
    gpu: change.gpu,
    networkVolumes: change.networkVolumeIds,
    dataCenterIds: change.dataCenterIds,
  })
}

/** Whole seconds within what RunPod takes. */
export function idleTimeoutSecondsOf(idleTimeoutMs: number): number {
  return Math.min(3_600, Math.max(1, Math.ceil(idleTimeoutMs / 1000)))
}

function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
