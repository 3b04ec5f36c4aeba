import type { ModelFacts } from '../../../../preload/contract/models.ts'
import type { PreflightItem, RunConfig } from '../../../../preload/contract/runs.ts'
import type { DatasetFacts, EndpointFacts, RunPorts } from '../ports.ts'
import { bytesText } from '../stage-words.ts'
import { delay, type Clock } from '../../../lib/clock.ts'
import { attempt, green, red, unknown, type Attempt } from './item.ts'
import { roomBesideModel } from './room.ts'

const bytesPerParameter = 2
const bytesPerGb = 1_000_000_000
/** A volume that is silent for so long is not waited for: a page that stands still for minutes tells less. */
const longestLookMs = 8_000

/** What was found on the volume; nothing is read there where reading is a billed job. */
export interface VolumeLook {
  readonly isModelCached: boolean | null
  readonly isDatasetThere: boolean | null
  readonly freeBytes: number | null
  /** True where the volume did not answer in time. */
  readonly isSilent: boolean
}

const silent: VolumeLook = { isModelCached: null, isDatasetThere: null, freeBytes: null, isSilent: true }

/** Looks at the volume once for everything that is asked about it, and waits for it only so long. */
export async function lookAtVolume(
  ports: Pick<RunPorts, 'endpoints'>,
  config: RunConfig,
  dataset: Attempt<DatasetFacts>,
  clock: Clock,
): Promise<Attempt<VolumeLook>> {
  const waiting = new AbortController()
  const late = delay(clock, longestLookMs, waiting.signal).then(() => ({ value: silent }))
  const look = readVolume(ports, config, dataset)
  // Whichever comes second is heard by nobody.
  late.catch(() => undefined)
  look.catch(() => undefined)
  return Promise.race([look, late]).finally(() => waiting.abort())
}

async function readVolume(
  { endpoints }: Pick<RunPorts, 'endpoints'>,
  { endpointId, baseModel }: RunConfig,
  dataset: Attempt<DatasetFacts>,
): Promise<Attempt<VolumeLook>> {
  return attempt(async () => {
    const { volume } = await endpoints.connect(endpointId)
    if (volume.isBilledPerRead === true)
      return { isModelCached: null, isDatasetThere: null, freeBytes: await volume.freeBytes(), isSilent: false }
    const frozen = 'value' in dataset ? (dataset.value.frozen ?? null) : null
    const modelKey = baseModel.kind === 'huggingface' ? `models/${baseModel.id.replace('/', '--')}/tunesmith-model.json` : null
    const [isModelCached, isDatasetThere, freeBytes] = await Promise.all([
      modelKey === null ? true : volume.findText(modelKey, 1_000_000).then((text) => text !== undefined),
      frozen === null ? null : volume.list(`datasets/${frozen.sha256}.jsonl`).then((files) => files[0]?.bytes === frozen.bytes),
      volume.freeBytes(),
    ])
    return { isModelCached, isDatasetThere, freeBytes, isSilent: false }
  })
}

/** Whether base model, checkpoints and adapter have room. */
export function diskItem(
  look: Attempt<VolumeLook>,
  model: Attempt<ModelFacts>,
  endpoint: Attempt<EndpointFacts>,
  rank: number,
): PreflightItem {
  if ('error' in endpoint)
    return red('disk', 'Free space is not known without an endpoint.', 'Choose another endpoint.', { kind: 'choose', choice: 'endpoint' })
  const test = { kind: 'test_connection', endpointId: endpoint.value.id } as const
  if ('error' in look) {
    return red('disk', `Free space could not be read: ${look.error.message}`, 'Open Endpoints and test the connection.', test)
  }
  const { isModelCached, freeBytes, isSilent } = look.value
  if (isSilent) return unknown('disk', `The volume did not answer within ${longestLookMs / 1000} s, so its room is not known.`, test)
  const parameters = 'value' in model ? model.value.parameters : null
  const modelBytes = isModelCached === true ? 0 : (parameters ?? 0) * bytesPerParameter
  const besideBytes = roomBesideModel('value' in model ? model.value : null, rank)
  const neededBytes = modelBytes + besideBytes
  const isSizeKnown = isModelCached === true || parameters !== null
  const needed = isSizeKnown
    ? `about ${bytesText(neededBytes)} needed`
    : `${bytesText(neededBytes)} needed beside the model, whose size is not known`
  if (freeBytes === null)
    return sizeItem(endpoint.value, { neededBytes, needed, leastBytes: (parameters ?? 0) * bytesPerParameter + besideBytes })
  if (freeBytes >= neededBytes) return green('disk', `${bytesText(freeBytes)} free, ${needed}.`)
  return red('disk', `${bytesText(freeBytes)} free, ${needed}.`, `Free ${bytesText(neededBytes - freeBytes)} on the volume.`, test)
}

/** RunPod tells how large a network volume is, not how much of it is free; a model must fit even where it is there already. */
function sizeItem(
  { remote }: EndpointFacts,
  { neededBytes, needed, leastBytes: wholeBytes }: { neededBytes: number; needed: string; leastBytes: number },
): PreflightItem {
  const volumeGb = remote?.volumeGb ?? null
  if (volumeGb === null) return unknown('disk', `RunPod does not tell how much of a network volume is free; ${needed}.`)
  const leastBytes = Math.max(neededBytes, wholeBytes)
  if (volumeGb * bytesPerGb >= leastBytes) {
    return unknown('disk', `The network volume has ${volumeGb} GB in all; RunPod does not tell how much is free. ${sentence(needed)}`)
  }
  const fix = `Enlarge the network volume to at least ${Math.ceil(leastBytes / bytesPerGb)} GB in the RunPod console.`
  return red('disk', `The network volume has ${volumeGb} GB, ${needed}.`, fix, { kind: 'open_link', link: 'runpod_console' })
}

/** Whether the training file has to be sent. */
export function uploadItem(
  dataset: Attempt<DatasetFacts>,
  look: Attempt<VolumeLook>,
  endpoint: Attempt<EndpointFacts>,
): PreflightItem | null {
  if ('error' in endpoint || endpoint.value.kind === 'local' || 'error' in dataset || 'error' in look) return null
  const frozen = dataset.value.frozen ?? null
  const hash = frozen === null ? '' : ` (${frozen.sha256.slice(0, 12)})`
  if (look.value.isDatasetThere === true) return green('upload', `The training file${hash} is on the volume already.`)
  if (look.value.isSilent)
    return unknown('upload', `Whether the training file${hash} is on the volume is not known; if not, it is sent first.`)
  const size = frozen === null ? '' : `, ${bytesText(frozen.bytes)}`
  return green('upload', `The training file${hash} is sent before the job starts${size}.`)
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
