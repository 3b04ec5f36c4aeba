import { AppError } from '../../../preload/contract/errors.ts'
import { redactText } from '../../lib/redaction.ts'
import { idleTimeoutSecondsOf, type EndpointBody, type TemplateBody, type VolumeBody } from './control-bodies.ts'
import type { EndpointProposal } from './endpoint-plan.ts'

/** What a worker runs: our image, or a stock image that is told how to fetch the worker's code. */
export type WorkerImage =
  | { readonly kind: 'own'; readonly ref: string }
  | { readonly kind: 'stock'; readonly ref: string; readonly args: string }

/** What the app creates, in this order: volume, template, endpoint. */
export interface EndpointSpec {
  readonly volume: VolumeBody
  readonly template: TemplateBody
  endpoint(created: { readonly templateId: string; readonly volumeId: string }): EndpointBody
}

interface SpecInput {
  readonly proposal: Pick<EndpointProposal, 'poolIds' | 'excludedGpuTypeIds' | 'dataCentreId' | 'volumeGb' | 'volumeType'>
  /** Unique in the account; volume, template and endpoint share it. */
  readonly name: string
  readonly image: WorkerImage
  /** Longest time one job may take. */
  readonly timeoutMs: number
  /** How long a worker stays, and is charged, after its last job. */
  readonly idleTimeoutMs: number
  readonly containerDiskGb: number
  readonly minCudaVersion: string
  /** No secrets: everybody who may read the endpoint reads them. */
  readonly env?: Readonly<Record<string, string>>
}

const queueDelaySeconds = 4
const shortestTimeoutMs = 5_000
const longestTimeoutMs = 7 * 24 * 3_600_000
const usualEnv: Readonly<Record<string, string>> = {
  TUNESMITH_VOLUME: '/runpod-volume',
  // Base models are kept on the volume, so that they are fetched once.
  HF_HOME: '/runpod-volume/hf',
  // A first start that takes longer than this counts as failed; the platform's own limit is 7 minutes.
  RUNPOD_INIT_TIMEOUT: '1800',
}
const secretName = /(?:^|_)(?:API_?KEY|KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE|CREDENTIALS?)(?:_|$)/i
/** RunPod puts the secret in when the worker starts. */
const secretReference = /^\{\{ ?RUNPOD_SECRET_[A-Za-z0-9_-]+ ?\}\}$/

/** Settings of the container that every worker of the app has, beside those of its way to start. */
export function workerEnv(env: Readonly<Record<string, string>> = {}): Record<string, string> {
  const all = { ...usualEnv, ...env }
  assertNoSecrets(all)
  return all
}

/** The exact bodies for a proposal; one worker at most, none while idle, and a time limit always. */
export function endpointSpec(input: SpecInput): EndpointSpec {
  const { proposal, name, image, containerDiskGb: disk, minCudaVersion } = input
  const env = workerEnv(input.env)
  const container = { image: image.ref, disk, env, ...(image.kind === 'stock' ? { args: image.args } : {}) }
  const timeout = Math.min(longestTimeoutMs, Math.max(shortestTimeoutMs, Math.ceil(input.timeoutMs)))
  return {
    volume: { name, size: proposal.volumeGb, dataCenter: proposal.dataCentreId, type: proposal.volumeType },
    template: { ...container, name, serverless: true, public: false },
    endpoint: ({ templateId, volumeId }) => ({
      // Said again although the template holds it: an endpoint copies a template once, and its own words win.
      ...container,
      name,
      type: 'QUEUE',
      templateId,
      gpu: {
        pools: proposal.poolIds,
        ...(proposal.excludedGpuTypeIds.length === 0 ? {} : { excludedTypes: proposal.excludedGpuTypeIds }),
        count: 1,
        minCudaVersion,
      },
      scaling: { type: 'QUEUE_DELAY', queueDelay: queueDelaySeconds },
      workers: { min: 0, max: 1, idleTimeout: idleTimeoutSecondsOf(input.idleTimeoutMs) },
      timeout,
      flashboot: 'OFF',
      networkVolumes: [volumeId],
      dataCenterIds: [proposal.dataCentreId],
    }),
  }
}

function assertNoSecrets(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    const isSecret = secretName.test(name) || redactText(value) !== value
    if (isSecret && !secretReference.test(value)) {
      throw new AppError(
        'INVALID_INPUT',
        `The setting ${name} looks like a secret and is not sent. Keep it in the RunPod console under Secrets and refer to it by name.`,
        { details: { name } },
      )
    }
  }
}
