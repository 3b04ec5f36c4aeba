import { mkdirSync, readFileSync, existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { trainInputSchema, workerResultSchema, type TrainInput, type WorkerResult } from '../../../preload/contract/worker.ts'
import { createJobClient, type FullJobClient, type JobStatus } from '../../../main/integrations/runpod/job-client.ts'
import { createUuidV7 } from '../../../main/lib/ids.ts'
import { silentLog } from '../../../main/lib/log.ts'
import { sha256 } from '../../support/adapters/packed-adapter.ts'
import { createInstantClock } from '../../support/instant-clock.ts'
import { startRunpodCloud, type CloudOptions, type RunpodCloud } from '../../support/runpod-cloud/cloud.ts'
import type { CloudControl } from '../../support/runpod-cloud/control.ts'
import type { RunTruth } from '../../support/runpod-cloud/truth.ts'

/** A cloud on a folder of its own with one endpoint, its volume and a client. */
export interface CloudLab {
  readonly cloud: RunpodCloud
  readonly control: CloudControl
  readonly jobs: FullJobClient
  readonly endpointId: string
  readonly volumeFolder: string
  readonly jobsUrl: string
  /** Puts a training file on the volume and words a training on it. */
  trainInput(changes?: Partial<TrainInput['hyperparameters']>, limits?: Partial<TrainInput['limits']>): TrainInput
  post(input: unknown): Promise<string>
  /** Posts a training and lets it go on as far as it goes. */
  train(input: TrainInput): Promise<{ jobId: string; status: JobStatus }>
  result(runId: string): WorkerResult | null
  truthOf(runId: string): Promise<RunTruth>
  get(url: string, headers?: Record<string, string>): Promise<{ status: number; body: unknown; headers: Headers }>
  /** Ends the cloud and starts it again on the same folder. */
  restart(): Promise<CloudLab>
  close(): Promise<void>
}

/** Forty short conversations as a training file. */
export function trainingText(): string {
  const row = (number: number) => ({
    messages: [
      { role: 'user', content: `How many legs have ${number} spiders?` },
      { role: 'assistant', content: `They have ${number * 8} legs.` },
    ],
  })
  return Array.from({ length: 40 }, (_, number) => `${JSON.stringify(row(number))}\n`).join('')
}

type LabOptions = Partial<CloudOptions> & { readonly endpoint?: Parameters<CloudControl['createEndpoint']>[0] }

export const policy = { executionTimeoutMs: 3_600_000, ttlMs: 86_400_000 }

/** Opens a laboratory; time stands still but for the work of scripted workers. */
export async function openCloudLab(options: LabOptions = {}): Promise<CloudLab> {
  const { endpoint, ...rest } = options
  const root = options.stateFolder ?? (await mkdtemp(join(tmpdir(), 'tunesmith-cloud-')))
  const cloud = await startRunpodCloud({ clock: { kind: 'standing' }, startMs: 1_800_000_000_000, stateFolder: root, ...rest })
  return labOf(cloud, root, rest, await cloud.control.createEndpoint({ ...endpoint }))
}

function labOf(cloud: RunpodCloud, root: string, options: LabOptions, made: { endpointId: string; volumeFolder: string }): CloudLab {
  const { control, addresses } = cloud
  const { endpointId, volumeFolder } = made
  const jobsUrl = `${addresses.jobs}/${endpointId}`
  const jobs = createJobClient({
    baseUrl: jobsUrl,
    apiKey: () => addresses.apiKey,
    clock: createInstantClock(),
    log: silentLog,
    userAgent: 'Tunesmith-test',
  })
  const lab: CloudLab = {
    cloud,
    control,
    jobs,
    endpointId,
    volumeFolder,
    jobsUrl,
    trainInput(changes = {}, limits = {}) {
      const text = trainingText()
      const key = `datasets/${sha256(text)}.jsonl`
      mkdirSync(join(volumeFolder, 'datasets'), { recursive: true })
      writeFileSync(join(volumeFolder, ...key.split('/')), text)
      return trainInputSchema.parse({
        v: 1,
        action: 'train',
        run_id: createUuidV7(Date.now()),
        dataset: { kind: 'volume', key, sha256: sha256(text), bytes: Buffer.byteLength(text), rows: 40 },
        base_model: { kind: 'huggingface', id: 'acme/tiny-1B', revision: null },
        hyperparameters: {
          learning_rate: 2e-4,
          num_train_epochs: 1,
          per_device_train_batch_size: 1,
          gradient_accumulation_steps: 1,
          max_length: 256,
          lora_r: 4,
          lora_alpha: 32,
          lora_dropout: 0,
          lr_scheduler_type: 'linear',
          warmup_ratio: 0.03,
          weight_decay: 0,
          max_grad_norm: 1,
          seed: 42,
          eval_fraction: 0.1,
          evals_per_epoch: 2,
          save_every_steps: 5,
          max_steps: 20,
          ...changes,
        },
        limits: { max_seconds: null, max_cost_micro_usd: null, price_micro_usd_per_hour: null, ...limits },
        accepts: { rows_without_answer: false, rows_cut: false },
        sample_prompts: [],
      })
    },
    post: async (input) => (await jobs.run(input, policy)).jobId,
    async train(input) {
      const jobId = await lab.post(input)
      await control.quiet({})
      return { jobId, status: await jobs.status(jobId) }
    },
    result(runId) {
      const path = join(volumeFolder, 'runs', runId, 'result.json')
      return existsSync(path) ? workerResultSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : null
    },
    async truthOf(runId) {
      const run = (await control.truth({})).runs[runId]
      if (run === undefined) throw new Error(`Nothing is known of run ${runId}`)
      return run
    },
    async get(url, headers = {}) {
      const response = await fetch(url, {
        headers: { authorization: `Bearer ${addresses.apiKey}`, 'user-agent': 'Tunesmith-test', ...headers },
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown), headers: response.headers }
    },
    async restart() {
      await cloud.stop()
      return labOf(await startRunpodCloud({ clock: { kind: 'standing' }, stateFolder: root, ...options }), root, options, made)
    },
    async close() {
      await cloud.stop()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return lab
}
