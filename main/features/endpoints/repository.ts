import { z } from 'zod'
import {
  connectionReportSchema,
  endpointKindSchema,
  remoteFactsSchema,
  storageSchema,
  type ConnectionReport,
  type RemoteFacts,
  type Storage,
} from '../../../preload/contract/endpoints.ts'
import type { SqliteDatabase } from '../../db/open.ts'
import { unknownWorker, workerStateSchema, type WorkerState } from './greeting.ts'

const reportColumn = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(connectionReportSchema)
  .nullable()

const remoteColumn = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(remoteFactsSchema)
  .nullable()

const storageColumn = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(storageSchema)
  .nullable()

const workerColumn = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(workerStateSchema)
  .nullable()

const rowSchema = z
  .object({
    id: z.string(),
    kind: endpointKindSchema,
    name: z.string(),
    runpod_endpoint_id: z.string().nullable(),
    last_report_json: reportColumn,
    remote_json: remoteColumn,
    storage_json: storageColumn,
    worker_json: workerColumn,
    created_at_ms: z.int(),
    deleted_at_ms: z.int().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    kind: row.kind,
    name: row.name,
    runpodEndpointId: row.runpod_endpoint_id,
    lastReport: row.last_report_json,
    remote: row.remote_json,
    storage: row.storage_json,
    worker: row.worker_json ?? unknownWorker,
    createdAtMs: row.created_at_ms,
    deletedAtMs: row.deleted_at_ms,
  }))

/** An endpoint as it is stored; its key is not. */
export type StoredEndpoint = z.output<typeof rowSchema>

/** Endpoints in the database; removed ones stay for the runs that used them. */
export interface EndpointRepository {
  list(): readonly StoredEndpoint[]
  /** Also finds a removed one. */
  find(id: string): StoredEndpoint | undefined
  findLocal(): StoredEndpoint | undefined
  insert(endpoint: Pick<StoredEndpoint, 'id' | 'kind' | 'name' | 'runpodEndpointId' | 'createdAtMs'>): void
  rename(id: string, name: string): void
  saveReport(id: string, report: ConnectionReport | null): void
  saveRemote(id: string, remote: RemoteFacts): void
  saveStorage(id: string, storage: Storage | null): void
  saveWorker(id: string, worker: WorkerState): void
  markDeleted(id: string, nowMs: number): void
}

/** Prepares the statements. */
export function createEndpointRepository(database: SqliteDatabase): EndpointRepository {
  const list = database.prepare(`SELECT * FROM endpoint WHERE deleted_at_ms IS NULL ORDER BY kind = 'runpod', created_at_ms, id`)
  const find = database.prepare('SELECT * FROM endpoint WHERE id = ?')
  const findLocal = database.prepare(`SELECT * FROM endpoint WHERE kind = 'local'`)
  const insert = database.prepare(
    'INSERT INTO endpoint (id, kind, name, runpod_endpoint_id, created_at_ms) VALUES (@id, @kind, @name, @runpodEndpointId, @createdAtMs)',
  )
  const rename = database.prepare('UPDATE endpoint SET name = ? WHERE id = ?')
  const saveReport = database.prepare('UPDATE endpoint SET last_report_json = ? WHERE id = ?')
  const saveRemote = database.prepare('UPDATE endpoint SET remote_json = ? WHERE id = ?')
  const saveStorage = database.prepare('UPDATE endpoint SET storage_json = ? WHERE id = ?')
  const saveWorker = database.prepare('UPDATE endpoint SET worker_json = ? WHERE id = ?')
  const markDeleted = database.prepare('UPDATE endpoint SET deleted_at_ms = ? WHERE id = ?')

  return {
    list: () => list.all().map((row) => rowSchema.parse(row)),
    find: (id) => readOne(find.get(id)),
    findLocal: () => readOne(findLocal.get()),
    insert: (endpoint) => void insert.run(endpoint),
    rename: (id, name) => void rename.run(name, id),
    saveReport: (id, report) => void saveReport.run(report === null ? null : JSON.stringify(report), id),
    saveRemote: (id, remote) => void saveRemote.run(JSON.stringify(remote), id),
    saveStorage: (id, storage) => void saveStorage.run(storage === null ? null : JSON.stringify(storage), id),
    saveWorker: (id, worker) => void saveWorker.run(JSON.stringify(worker), id),
    markDeleted: (id, nowMs) => void markDeleted.run(nowMs, id),
  }
}

function readOne(row: unknown): StoredEndpoint | undefined {
  return row === undefined ? undefined : rowSchema.parse(row)
}
