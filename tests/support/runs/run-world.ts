import { AppError } from '../../../preload/contract/errors.ts'
import type { EventName } from '../../../preload/contract/contract.ts'
import type { Run, RunConfig } from '../../../preload/contract/runs.ts'
import { migrate } from '../../../main/db/migrate.ts'
import { migrations } from '../../../main/db/migrations.ts'
import { openDatabase } from '../../../main/db/open.ts'
import { createRunEstimator } from '../../../main/features/runs/estimate/estimator.ts'
import { createForecastRepository } from '../../../main/features/runs/estimate/repository.ts'
import { createProgressRepository } from '../../../main/features/runs/progress/repository.ts'
import { createQueueRepository } from '../../../main/features/runs/queue/repository.ts'
import { createRunLogRepository } from '../../../main/features/runs/log/repository.ts'
import { createRunRepository, type RunRepository } from '../../../main/features/runs/repository.ts'
import { createRunService } from '../../../main/features/runs/service.ts'
import type { CostEntry, EndpointFacts, Notice, RunPorts } from '../../../main/features/runs/ports.ts'
import { createUuidV7 } from '../../../main/lib/ids.ts'
import { createLog } from '../../../main/lib/log.ts'
import { createFakeEndpoint } from './fake-endpoint.ts'
import { createVirtualClock } from './virtual-clock.ts'

export const datasetId = '01890a5d-ac96-774b-bcce-b302099a8057'
export const endpointId = '01890a5d-ac96-774b-bcce-b302099a8058'
export const datasetSha = 'a'.repeat(64)

/** A configuration that every check accepts. */
export function runConfig(changes: Partial<RunConfig['hyperparameters']> = {}): RunConfig {
  return {
    datasetId,
    endpointId,
    baseModel: { kind: 'huggingface', id: 'acme/tiny-1B', revision: null },
    preset: 'balanced',
    hyperparameters: {
      learning_rate: 2e-4,
      num_train_epochs: 1,
      per_device_train_batch_size: 4,
      gradient_accumulation_steps: 2,
      max_length: 1024,
      lora_r: 16,
      lora_alpha: 32,
      lora_dropout: 0,
      lr_scheduler_type: 'linear',
      warmup_ratio: 0.03,
      weight_decay: 0,
      max_grad_norm: 1,
      seed: 42,
      eval_fraction: 0.1,
      evals_per_epoch: 1,
      save_every_steps: 2,
      max_steps: null,
      packing: true,
      load_in_4bit: false,
      early_stopping_patience: null,
      ...changes,
    },
    accepts: { rowsWithoutAnswer: false, rowsCut: false },
    budgetMicroUsd: null,
    samplePrompts: [],
  }
}

/** The app's runs feature over a real database and an endpoint in memory; it can be closed and opened again. */
export function createRunWorld({ kind = 'local' }: { kind?: 'local' | 'runpod' } = {}) {
  const clock = createVirtualClock()
  const endpoint = createFakeEndpoint(clock)
  const db = openDatabase({ path: ':memory:' })
  migrate(db, migrations, () => null)
  seedTables(db, kind, clock.nowMs())

  const notices = new Map<string, Notice>()
  const costs = new Map<string, CostEntry>()
  const published: { event: EventName; payload: unknown }[] = []
  const problems: unknown[] = []
  const adapters = { collected: [] as string[], failures: [] as AppError[], hold: null as Promise<void> | null }
  const endpointFacts: { current: EndpointFacts } = {
    current: {
      id: endpointId,
      name: 'Here',
      kind,
      canTrain: true,
      reason: null,
      hasCuda: false,
      gpu: null,
      priceMicroUsdPerHour: null,
      balanceMicroUsd: null,
    },
  }
  const datasetFacts = { isTrainable: true, validRows: 300, problem: null as AppError | null }

  const ports: RunPorts = {
    datasets: {
      describe: () => ({ id: datasetId, name: 'notes', sha256: datasetSha, stats: stats(), ...datasetFacts }),
      async freeze() {
        if (datasetFacts.problem !== null) throw datasetFacts.problem
        return { path: '/data/notes.jsonl', sha256: datasetSha, bytes: 1234, rows: 300 }
      },
    },
    endpoints: {
      describe: () => endpointFacts.current,
      connect: async () => ({ jobs: endpoint.client, volume: endpoint.volume }),
    },
    adapters: {
      async collect(run, _result, _volume, onProgress, signal) {
        onProgress(10, 20)
        await adapters.hold
        signal.throwIfAborted()
        const failure = adapters.failures.shift()
        if (failure !== undefined) throw failure
        adapters.collected.push(run.id)
        return { adapterId: run.id }
      },
    },
    costs: { record: (entry) => void (costs.has(entry.runId) || costs.set(entry.runId, entry)) },
    notify: (notice) => void (notices.has(notice.dedupeKey) || notices.set(notice.dedupeKey, notice)),
    models: {
      describe: () => ({ label: 'acme/tiny-1B', family: 'other', parameters: 1e9, hiddenSize: 2048, contextLength: 4096, isGated: false }),
    },
  }

  const open = (wrap: (repository: RunRepository) => RunRepository = (repository) => repository) =>
    createRunService({
      repository: wrap(createRunRepository(db)),
      progress: createProgressRepository(db),
      runLog: createRunLogRepository(db),
      queue: createQueueRepository(db),
      ports,
      estimator: createRunEstimator(createForecastRepository(db)),
      clock,
      events: { publish: (event, payload) => void published.push({ event, payload }) },
      newId: () => createUuidV7(clock.nowMs()),
      log: createLog((line) => void (line.level === 'error' && problems.push(line.details ?? line.message))),
      pickCsvPath: async () => null,
      pickLogPath: async () => null,
      copyText: () => undefined,
    })

  return {
    clock,
    endpoint,
    db,
    ports,
    notices,
    costs,
    published,
    /** Everything logged as an error. */
    problems,
    adapters,
    endpointFacts,
    datasetFacts,
    repository: createRunRepository(db),
    progress: createProgressRepository(db),
    /** The whole log of a run. */
    logLines: (runId: string) => createRunLogRepository(db).list(runId, { source: 'all', level: 'debug' }, 0, 100_000),
    /** Builds the feature as a start of the app does; the database and the endpoint stay. */
    open,
    eventTypes: (runId: string) =>
      createRunRepository(db)
        .listEvents(runId)
        .map(({ event }) => event.type),
  }
}

export type RunWorld = ReturnType<typeof createRunWorld>

/** True once a run has reached one of its final states. */
export function isEnded(run: Run): boolean {
  return run.status === 'completed' || run.status === 'failed' || run.status === 'cancelled'
}

/** The rows that runs refer to; done once per database. */
export function seedTables(db: ReturnType<typeof openDatabase>, kind: 'local' | 'runpod', nowMs: number, remoteId = 'abc123'): void {
  db.prepare('INSERT OR IGNORE INTO endpoint (id, kind, name, runpod_endpoint_id, created_at_ms) VALUES (?, ?, ?, ?, ?)').run(
    endpointId,
    kind,
    'Here',
    kind === 'local' ? null : remoteId,
    nowMs,
  )
  db.prepare(
    `INSERT OR IGNORE INTO dataset (id, name, file_name, size_bytes, status, created_at_ms, updated_at_ms) VALUES (?, 'notes', 'notes.jsonl', 1, 'ready', ?, ?)`,
  ).run(datasetId, nowMs, nowMs)
}

/** Figures of a dataset of 300 rows. */
export function stats() {
  return {
    rows: 300,
    validRows: 300,
    errorRows: 0,
    errors: 0,
    warnings: 0,
    infos: 0,
    droppedRows: 0,
    editedRows: 0,
    blankLines: 0,
    turns: 1200,
    assistantTurns: 600,
    characters: 240_000,
    assistantCharacters: 150_000,
    tokensEstimate: 60_000,
    turnsPerRowMean: 4,
    longestRowCharacters: 1500,
    duplicateRows: 0,
  }
}
