import type { Run } from '../../../preload/contract/runs.ts'
import type { WorkerResult } from '../../../preload/contract/worker.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { VolumeStore } from '../../integrations/volume/volume-store.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { Log } from '../../lib/log.ts'
import { isCorrupt, corrupt, withDiskAdvice } from './corrupt.ts'
import { fetchFiles } from './fetch-files.ts'
import { findDamage } from './file-check.ts'
import { adapterFolderName } from './folder-name.ts'
import { rateTraining } from './health.ts'
import type { LossPoint } from './health-statistics.ts'
import { inspectFiles } from './inspect-files.ts'
import { readManifest, totalBytes } from './manifest.ts'
import type { AdapterPlaces } from './places.ts'
import type { AdapterRecord, AdapterRepository, StoredFile } from './repository.ts'

/** A notice that an adapter is ready; shown once per `dedupeKey`. */
export interface AdapterNotice {
  readonly type: 'artifact_ready'
  readonly priority: 'high'
  readonly title: string
  readonly message: string
  readonly target: { readonly page: 'adapters'; readonly id: string }
  readonly dedupeKey: string
}

export interface CollectorDependencies {
  readonly repository: AdapterRepository
  readonly places: AdapterPlaces
  readonly clock: Clock
  readonly newId: NewId
  readonly events: EventPublisher
  readonly notify: (notice: AdapterNotice) => void
  readonly log: Log
  /** Training loss by step of a run, for its rating. */
  readonly listTrainLosses: (runId: string) => readonly LossPoint[]
}

/** How a copy reports and how it is called off. */
export interface CopyOptions {
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CollectRequest extends CopyOptions {
  readonly run: Run
  readonly result: WorkerResult
  readonly volume: VolumeStore
}

export type AdapterCollector = ReturnType<typeof createAdapterCollector>

const maxManifestBytes = 4_000_000

/** Brings adapters from a volume to this disk: copied with resume, checked completely, then made visible at once. */
export function createAdapterCollector(dependencies: CollectorDependencies) {
  const { repository, places, clock, events, log } = dependencies
  const changed = (id: string) => events.publish('adapters.changed', { id })

  const verified = async (record: AdapterRecord, files: readonly StoredFile[]) => {
    repository.patch(record.id, {
      status: 'verified',
      files: [...files],
      sizeBytes: totalBytes(files),
      copiedBytes: totalBytes(files),
      quarantineReason: null,
      verifiedAtMs: clock.nowMs(),
    })
    changed(record.id)
    dependencies.notify(readyNotice(repository.find(record.id) ?? record))
    await places.clear(record.runId)
  }

  const obtain = async (record: AdapterRecord, volume: VolumeStore, options: CopyOptions) => {
    const { id, runId } = record
    // A crash between taking the files over and saying so: they are all there already.
    if (record.files.length > 0 && (await findDamage(places.folder(record.relativePath), record.files)) === undefined) {
      return verified(record, record.files)
    }
    const text = await volume.findText(`runs/${runId}/manifest.json`, maxManifestBytes)
    if (text === undefined) throw corrupt('The packing list (manifest.json) is not on the training volume.')
    const manifest = readManifest(text, { runId, sha256: record.manifestSha256 })
    repository.patch(id, { sizeBytes: totalBytes(manifest.adapter_files), baseModelRevision: manifest.base_model.revision })
    const report = progressReporter(id, repository, changed)
    const folder = await fetchFiles({
      volume,
      runId,
      manifest,
      folder: places.incoming(runId),
      signal: options.signal,
      onProgress(done, total) {
        report(done, total)
        options.onProgress?.(done, total)
      },
    })
    const files = await inspectFiles(folder, manifest, record.baseModelId, options.signal)
    options.signal?.throwIfAborted()
    const relativePath = await places.freeName(record.relativePath)
    repository.patch(id, { files: [...files], relativePath })
    await places.publish(folder, new Set(files.map((file) => file.name)), relativePath)
    await verified({ ...record, relativePath }, files)
  }

  /** Keeps damaged files apart and says why; they can be fetched again. */
  const quarantine = async (record: AdapterRecord, from: string, reason: string) => {
    await places.setApart(record.runId, from, reason)
    repository.patch(record.id, { status: 'quarantined', quarantineReason: reason, verifiedAtMs: null })
    log.warning('An adapter was quarantined', { adapterId: record.id, runId: record.runId, reason })
    changed(record.id)
  }

  /** Copies what a record stands for; what is wrong with the files ends as ADAPTER_NOT_VERIFIED, everything else can be tried again. */
  const fetch = async (record: AdapterRecord, volume: VolumeStore, options: CopyOptions = {}): Promise<void> => {
    try {
      await obtain(record, volume, options)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!isCorrupt(error)) throw withDiskAdvice(error)
      await quarantine(record, places.incoming(record.runId), error.message)
      throw new AppError('ADAPTER_NOT_VERIFIED', error.message, { details: { adapterId: record.id }, cause: error })
    }
  }

  return {
    fetch,
    quarantine,
    /** The adapter of a finished run; one that is already verified, or was deleted by the user, is left as it is. */
    async collect({ run, result, volume, ...options }: CollectRequest): Promise<{ adapterId: string }> {
      const existing = repository.findByRun(run.id)
      if (existing !== undefined && (existing.status === 'verified' || existing.deletedAtMs !== null)) return { adapterId: existing.id }
      const record = describeAdapter(dependencies, run, result, existing)
      if (existing === undefined) repository.insert(record)
      else repository.patch(record.id, record)
      changed(record.id)
      await fetch(record, volume, options)
      return { adapterId: record.id }
    },
  }
}

function describeAdapter(
  dependencies: CollectorDependencies,
  run: Run,
  result: WorkerResult,
  existing: AdapterRecord | undefined,
): AdapterRecord {
  if (result.manifest_sha256 === null) throw corrupt('The run ended without an adapter.')
  const id = existing?.id ?? dependencies.newId()
  const name = existing?.name ?? run.name
  const { baseModel, hyperparameters } = run.config
  const isSame = existing?.manifestSha256 === result.manifest_sha256
  return {
    id,
    runId: run.id,
    name,
    status: 'collecting',
    relativePath: existing?.relativePath ?? adapterFolderName(name, id),
    baseModelId: baseModel.kind === 'huggingface' ? baseModel.id : (result.base_model?.id ?? run.baseModelLabel),
    baseModelRevision: result.base_model?.revision ?? null,
    sizeBytes: isSame ? existing.sizeBytes : 0,
    copiedBytes: 0,
    files: isSame ? existing.files : [],
    health: rateTraining({ result, rowsTotal: rowsOf(run), train: dependencies.listTrainLosses(run.id) }),
    summary: summaryOf(run, result),
    origin: { datasetName: run.datasetName, datasetSha256: result.dataset_sha256, hyperparameters },
    // The early stop of the plan is the whole training: nothing was left to gain.
    stoppedEarly: result.ended_by !== 'early_stopping' && (result.status === 'stopped' || result.steps_done < result.steps_total),
    manifestSha256: result.manifest_sha256,
    quarantineReason: null,
    verifiedAtMs: null,
    createdAtMs: existing?.createdAtMs ?? dependencies.clock.nowMs(),
    deletedAtMs: null,
  }
}

function rowsOf({ plan, datasetRows }: Run): number {
  return plan === null ? datasetRows : plan.rowsTrain + plan.rowsEval + plan.rowsDropped
}

function summaryOf(run: Run, result: WorkerResult): AdapterRecord['summary'] {
  return {
    stepsDone: result.steps_done,
    stepsTotal: result.steps_total,
    bestStep: result.best_step,
    lossFirst: result.loss_first,
    lossLast: result.loss_last,
    evalLossBase: result.eval_loss_base,
    evalLossBest: result.eval_loss_best,
    tokensTrained: result.tokens_trained,
    trainSeconds: result.train_seconds,
    costMicroUsd: run.costMicroUsd,
  }
}

/** Stores progress once per percent. */
function progressReporter(id: string, repository: AdapterRepository, changed: (id: string) => void) {
  let shown = -1
  return (done: number, total: number) => {
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100)
    if (percent === shown) return
    shown = percent
    repository.setCopied(id, done)
    changed(id)
  }
}

function readyNotice({ id, runId, name, health }: AdapterRecord): AdapterNotice {
  const rating = health.stars === null ? 'Training health: not rated' : `Training health: ${health.stars} of 5`
  return {
    type: 'artifact_ready',
    priority: 'high',
    title: 'Adapter ready',
    message: `${name} is on this computer and every file is checked. ${rating}.`,
    target: { page: 'adapters', id },
    dedupeKey: `${runId}:artifact_ready`,
  }
}
