import { migrate } from '../../main/db/migrate.ts'
import { migrations } from '../../main/db/migrations.ts'
import { openDatabase, type SqliteDatabase } from '../../main/db/open.ts'
import { createUuidV7 } from '../../main/lib/ids.ts'

/** A database in memory with the newest tables. */
export function createMemoryDatabase(): SqliteDatabase {
  const database = openDatabase({ path: ':memory:' })
  migrate(database, migrations, () => null)
  return database
}

/** Puts a run of this id into the tables, so that other rows can refer to it. */
export function insertRun(database: SqliteDatabase, runId: string, status = 'completed'): void {
  const datasetId = createUuidV7(1_700_000_000_000)
  const endpointId = createUuidV7(1_700_000_000_000)
  database
    .prepare(
      "INSERT INTO dataset (id, name, file_name, size_bytes, status, created_at_ms, updated_at_ms) VALUES (?, 'd', 'd.jsonl', 1, 'ready', 1, 1)",
    )
    .run(datasetId)
  database
    .prepare("INSERT INTO endpoint (id, kind, name, runpod_endpoint_id, created_at_ms) VALUES (?, 'runpod', 'e', 'abc', 1)")
    .run(endpointId)
  database
    .prepare(
      `INSERT INTO run (id, name, dataset_id, endpoint_id, config_json, state_json, status, stage, head_json, created_at_ms)
       VALUES (?, 'A run', ?, ?, '{}', '{}', ?, 'ended', '{}', 1)`,
    )
    .run(runId, datasetId, endpointId, status)
}
