import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Hyperparameters } from '../../preload/contract/hyperparameters.ts'
import { AppError } from '../../preload/contract/errors.ts'
import type { Run } from '../../preload/contract/runs.ts'
import type { AdapterManifest, WorkerResult } from '../../preload/contract/worker.ts'
import type { AdapterNotice } from '../../main/features/adapters/collector.ts'
import { createAdapterRepository, type AdapterRepository } from '../../main/features/adapters/repository.ts'
import { createAdapterService, type AdapterService } from '../../main/features/adapters/service.ts'
import { createDirectoryVolume } from '../../main/integrations/volume/directory-volume.ts'
import type { VolumeStore } from '../../main/integrations/volume/volume-store.ts'
import { createUuidV7 } from '../../main/lib/ids.ts'
import { silentLog } from '../../main/lib/log.ts'
import { createMemoryDatabase, insertRun } from './memory-database.ts'
import { createRecordedEvents, type RecordedEvents } from './recorded-events.ts'

const hyperparameters: Hyperparameters = {
  learning_rate: 2e-4,
  num_train_epochs: 1,
  per_device_train_batch_size: 4,
  gradient_accumulation_steps: 1,
  max_length: 512,
  lora_r: 2,
  lora_alpha: 4,
  lora_dropout: 0,
  lr_scheduler_type: 'linear',
  warmup_ratio: 0,
  weight_decay: 0,
  max_grad_norm: 1,
  seed: 1,
  eval_fraction: 0.1,
  evals_per_epoch: 1,
  save_every_steps: 10,
  max_steps: null,
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** A safetensors file from a header and its data. */
export function safetensors(header: unknown, data: Uint8Array): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, data])
}

/** Header and data of a small LoRA: one A (2×16) and its B (8×2), 32-bit. */
export function smallLora(): { header: Record<string, unknown>; data: Buffer } {
  const name = 'base_model.model.model.layers.0.self_attn.q_proj'
  return {
    header: {
      __metadata__: { format: 'pt' },
      [`${name}.lora_A.weight`]: { dtype: 'F32', shape: [2, 16], data_offsets: [0, 128] },
      [`${name}.lora_B.weight`]: { dtype: 'F32', shape: [8, 2], data_offsets: [128, 192] },
    },
    data: Buffer.from(Float32Array.from({ length: 48 }, (_, index) => Math.sin(index)).buffer),
  }
}

/** The files a trainer packs. */
export function adapterFiles(): Record<string, Buffer> {
  const { header, data } = smallLora()
  return {
    'adapter_model.safetensors': safetensors(header, data),
    'adapter_config.json': Buffer.from('{"peft_type": "LORA", "r": 2, "base_model_name_or_path": "/runpod-volume/models/base", "target_modules": ["q_proj"]}'),
    'README.md': Buffer.from('# LoRA adapter\n'),
    'tokenizer.json': Buffer.from(JSON.stringify({ vocabulary: Array.from({ length: 60 }, (_, index) => `word ${index}`) })),
  }
}

/** One finished run on a volume. */
export interface FinishedRun {
  readonly run: Run
  readonly result: WorkerResult
  readonly manifest: AdapterManifest
}

export interface AdapterLab {
  readonly adaptersFolder: string
  readonly quarantineFolder: string
  readonly volumeFolder: string
  readonly volume: VolumeStore
  readonly events: RecordedEvents
  readonly notices: AdapterNotice[]
  readonly desktop: { readonly trashed: string[]; readonly dragged: string[]; readonly revealed: string[]; readonly copied: string[]; target: string | null }
  readonly runs: Map<string, Run>
  readonly repository: AdapterRepository
  service: AdapterService
  /** Writes a finished run to the volume as the trainer does. */
  finishRun(options?: { files?: Record<string, Buffer>; change?: (manifest: AdapterManifest) => unknown; partBytes?: number; run?: Partial<Run>; result?: Partial<WorkerResult> }): FinishedRun
  collect(finished: FinishedRun, volume?: VolumeStore, signal?: AbortSignal): Promise<string>
  /** Path of a file on the volume. */
  onVolume(runId: string, key: string): string
  /** A second app process over the same data. */
  reopen(): void
  close(): Promise<void>
}

/** An app profile with a real database, real files and a folder as the training volume. */
export function createAdapterLab(): AdapterLab {
  const folder = mkdtempSync(join(tmpdir(), 'adapters-'))
  const database = createMemoryDatabase()
  const volumeFolder = join(folder, 'volume')
  const places = { adaptersFolder: join(folder, 'adapters'), quarantineFolder: join(folder, 'quarantine') }
  const volume = createDirectoryVolume(volumeFolder)
  let nowMs = 1_700_000_000_000
  const clock = { nowMs: () => (nowMs += 1), after: () => () => undefined }
  const desktop: AdapterLab['desktop'] = { trashed: [], dragged: [], revealed: [], copied: [], target: null }
  const events = createRecordedEvents()
  const notices: AdapterNotice[] = []
  const runs = new Map<string, Run>()
  const repository = createAdapterRepository(database)

  const open = () =>
    createAdapterService({
      ...places,
      repository,
      clock,
      newId: () => createUuidV7(clock.nowMs()),
      events,
      log: silentLog,
      notify: (notice) => void notices.push(notice),
      listTrainLosses: () => Array.from({ length: 40 }, (_, step) => ({ step: step + 1, loss: 2 - step / 40 })),
      describeRun(runId) {
        const run = runs.get(runId)
        if (run === undefined) throw new AppError('RUN_NOT_FOUND', 'The run is gone.')
        return run
      },
      openVolume: async () => volume,
      shell: {
        async trash(path) {
          desktop.trashed.push(path)
          rmSync(path, { recursive: true })
        },
        startDrag: (_windowId, path) => void desktop.dragged.push(path),
        reveal: (path) => void desktop.revealed.push(path),
        copyText: (text) => void desktop.copied.push(text),
        pickTargetFile: async () => desktop.target,
        pickTargetFolder: async () => desktop.target,
      },
    })
  const onVolume = (runId: string, key: string) => join(volumeFolder, 'runs', runId, ...key.split('/'))

  const lab: AdapterLab = {
    ...places,
    volumeFolder,
    volume,
    events,
    notices,
    desktop,
    runs,
    repository,
    service: open(),
    onVolume,
    finishRun({ files = adapterFiles(), change = (manifest: AdapterManifest) => manifest, partBytes = 256, run: runChanges, result: resultChanges } = {}) {
      const runId = createUuidV7(clock.nowMs())
      insertRun(database, runId)
      const manifest = packFiles(files, runId, partBytes, (key, data) => {
        const path = onVolume(runId, key)
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, data)
      })
      const text = JSON.stringify(change(structuredClone(manifest)))
      writeFileSync(onVolume(runId, 'manifest.json'), text)
      const run = { ...finishedRun(runId), ...runChanges }
      runs.set(runId, run)
      return { run, manifest, result: { ...finishedResult(runId, sha256(text)), ...resultChanges } }
    },
    async collect({ run, result }, from = volume, signal = undefined) {
      return (await lab.service.collect(run, result, from, undefined, signal)).adapterId
    },
    reopen() {
      lab.service = open()
    },
    async close() {
      await lab.service.dispose()
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return lab
}

/** The files of a folder by name. */
export function readFolder(folder: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, sha256(readFileSync(join(folder, name)))]))
}

function packFiles(files: Record<string, Buffer>, runId: string, partBytes: number, write: (key: string, data: Buffer) => void): AdapterManifest {
  const parts: AdapterManifest['parts'] = []
  for (const [file, data] of Object.entries(files)) {
    for (let offset = 0; offset < data.length; offset += partBytes) {
      const slice = data.subarray(offset, offset + partBytes)
      const key = `adapter/part-${String(parts.length + 1).padStart(4, '0')}`
      write(key, slice)
      parts.push({ key, bytes: slice.length, sha256: sha256(slice), file, offset })
    }
  }
  return {
    v: 1,
    run_id: runId,
    created_ms: 1,
    adapter_files: Object.entries(files).map(([name, data]) => ({ name, bytes: data.length, sha256: sha256(data) })),
    parts,
    base_model: { id: 'org/base', revision: null, fingerprint: 'f' },
    dataset_sha256: sha256('dataset'),
    config_sha256: sha256('config'),
    trainer_version: '1',
  }
}

function finishedRun(id: string): Run {
  return {
    id,
    name: 'Café: answers / v2',
    status: 'collecting',
    stage: 'collecting',
    stageDetail: null,
    config: { datasetId: id, endpointId: id, preset: 'fast', hyperparameters, baseModel: { kind: 'huggingface', id: 'org/base', revision: null } },
    datasetName: 'Support answers',
    datasetSha256: sha256('dataset'),
    datasetRows: 400,
    baseModelLabel: 'org/base',
    endpointName: 'This computer',
    endpointKind: 'local',
    jobId: 'job',
    attempt: 1,
    plan: null,
    head: {
      step: 40,
      epoch: 1,
      loss: 1,
      lossFirst: 2,
      evalLoss: 1,
      evalLossBase: 2,
      evalLossBest: 1,
      learningRate: 0,
      gradNorm: 1,
      tokensPerSecond: 1,
      tokens: 10,
      memoryBytes: 1,
      stepMs: 1,
    },
    progress: 1,
    etaMs: null,
    stopRequested: null,
    error: null,
    workerError: null,
    adapterId: null,
    costMicroUsd: 0,
    createdAtMs: 1,
    startedAtMs: 1,
    endedAtMs: null,
    lastSeenAtMs: 1,
    contactLost: null,
  }
}

function finishedResult(runId: string, manifestSha256: string): WorkerResult {
  return {
    v: 1,
    run_id: runId,
    status: 'completed',
    attempt: 1,
    error: null,
    steps_done: 40,
    steps_total: 40,
    loss_first: 2,
    loss_last: 1,
    eval_loss_base: 2,
    eval_loss_best: 1.2,
    eval_loss_last: 1.2,
    best_step: 40,
    tokens_trained: 4_000,
    train_seconds: 12.5,
    last_seq: 100,
    config_sha256: sha256('config'),
    dataset_sha256: sha256('dataset'),
    base_model: { id: 'org/base', revision: null, resolved: '/models/base', fingerprint: 'f' },
    manifest_sha256: manifestSha256,
    peak_memory_bytes: 1,
    eval_rows: Array.from({ length: 40 }, (_, index) => [2, 1.2 + (index % 3) / 100, 10]),
    rows_truncated: 0,
    rows_dropped: 0,
  }
}
