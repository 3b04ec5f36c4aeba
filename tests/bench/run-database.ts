import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunConfig } from '../../preload/contract/runs.ts'
import { migrate } from '../../main/db/migrate.ts'
import { openDatabase, type SqliteDatabase } from '../../main/db/open.ts'
import { createState } from '../../main/features/runs/machine.ts'
import { createRunRepository } from '../../main/features/runs/repository.ts'
import { createUuidV7 } from '../../main/lib/ids.ts'

const migrationsFolder = fileURLToPath(new URL('../../main/db/migrations/', import.meta.url))
const createdAtMs = 1_700_000_000_000
const datasetId = createUuidV7(createdAtMs)
const endpointId = createUuidV7(createdAtMs)

/** A database file with the app's tables and pragmas, one dataset and one endpoint. */
export function createRunDatabase(path: string): SqliteDatabase {
  const database = openDatabase({ path, nativeBinding: process.env['TUNESMITH_SQLITE_BINDING'] })
  migrate(database, readMigrations(), () => null)
  const dataset = 'INSERT INTO dataset (id, name, file_name, size_bytes, status, created_at_ms, updated_at_ms)'
  database.prepare(`${dataset} VALUES (?, 'notes', 'notes.jsonl', 1, 'ready', 1, 1)`).run(datasetId)
  database.prepare("INSERT INTO endpoint (id, kind, name, created_at_ms) VALUES (?, 'local', 'Here', 1)").run(endpointId)
  return database
}

/** Puts one more run into the tables, as the app does when one is started, and answers with its id. */
export function insertStartedRun(database: SqliteDatabase): string {
  const id = createUuidV7(createdAtMs)
  const facts = {
    datasetName: 'notes',
    datasetRows: 300,
    baseModelLabel: 'acme/tiny-1B',
    endpointName: 'Here',
    endpointKind: 'local' as const,
    priceMicroUsdPerHour: null,
    monthShareMicroUsd: null,
    retryOf: null,
  }
  const { state } = createState({ type: 'created', facts }, createdAtMs)
  createRunRepository(database).insert({ id, name: 'A run', config, state: { ...state, phase: 'following', stage: 'training' } })
  return id
}

/** The build takes the SQL into the bundle; Node reads the same files. */
function readMigrations() {
  const names = readdirSync(migrationsFolder).filter((name) => name.endsWith('.sql'))
  return names.toSorted().map((name, index) => {
    const sql = readFileSync(join(migrationsFolder, name), 'utf8')
    return { version: index + 1, name: basename(name, '.sql'), sql }
  })
}

const config: RunConfig = {
  datasetId,
  endpointId,
  baseModel: { kind: 'huggingface', id: 'acme/tiny-1B', revision: null },
  preset: 'custom',
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
    save_every_steps: 100,
    max_steps: null,
    packing: true,
    load_in_4bit: false,
    early_stopping_patience: null,
  },
  accepts: { rowsWithoutAnswer: false, rowsCut: false },
  budgetMicroUsd: null,
  samplePrompts: [],
}
