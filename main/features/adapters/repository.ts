import { z } from 'zod'
import { adapterFileSchema, adapterSchema, adapterStatusSchema, trainingHealthSchema } from '../../../preload/contract/adapters.ts'
import type { SqliteDatabase } from '../../db/open.ts'

const storedFileSchema = adapterFileSchema.extend({
  /** What the trainer packed, where the app wrote the model's id into the file. */
  original: adapterFileSchema.omit({ name: true }).nullable(),
})
export type StoredFile = z.infer<typeof storedFileSchema>

const originSchema = adapterSchema.pick({ datasetName: true, datasetSha256: true, hyperparameters: true })
const summarySchema = adapterSchema.shape.summary

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema)

const rowSchema = z
  .object({
    id: z.string(),
    run_id: z.string(),
    name: z.string(),
    status: adapterStatusSchema,
    relative_path: z.string(),
    base_model_id: z.string(),
    base_model_revision: z.string().nullable(),
    size_bytes: z.int(),
    copied_bytes: z.int(),
    files_json: json(z.array(storedFileSchema)),
    health_json: json(trainingHealthSchema),
    summary_json: json(summarySchema),
    origin_json: json(originSchema),
    stopped_early: z.int(),
    manifest_sha256: z.string(),
    quarantine_reason: z.string().nullable(),
    verified_at_ms: z.int().nullable(),
    created_at_ms: z.int(),
    deleted_at_ms: z.int().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    runId: row.run_id,
    name: row.name,
    status: row.status,
    /** Name of its folder under the folder of all adapters. */
    relativePath: row.relative_path,
    baseModelId: row.base_model_id,
    baseModelRevision: row.base_model_revision,
    sizeBytes: row.size_bytes,
    copiedBytes: row.copied_bytes,
    files: row.files_json,
    health: row.health_json,
    summary: row.summary_json,
    origin: row.origin_json,
    stoppedEarly: row.stopped_early === 1,
    manifestSha256: row.manifest_sha256,
    quarantineReason: row.quarantine_reason,
    verifiedAtMs: row.verified_at_ms,
    createdAtMs: row.created_at_ms,
    deletedAtMs: row.deleted_at_ms,
  }))
/** An adapter as it is stored. */
export type AdapterRecord = z.infer<typeof rowSchema>

export type AdapterRepository = ReturnType<typeof createAdapterRepository>

/** All SQL of the adapters; no rules. */
export function createAdapterRepository(database: SqliteDatabase) {
  const statements = prepare(database)
  const find = (id: string) => read(statements.find.get(id))
  return {
    /** Finds deleted adapters too; the caller looks at `deletedAtMs`. */
    find,
    findByRun: (runId: string) => read(statements.findByRun.get(runId)),
    list: (): AdapterRecord[] => statements.list.all().map((row) => rowSchema.parse(row)),
    insert: (record: AdapterRecord): void => void statements.save.run(toRow(record)),
    /** Changes some fields of what is stored now; the record may have been renamed since it was read. */
    patch(id: string, changes: Partial<Omit<AdapterRecord, 'id' | 'runId' | 'createdAtMs'>>): void {
      const stored = find(id)
      if (stored !== undefined) statements.save.run(toRow({ ...stored, ...changes }))
    },
    setCopied: (id: string, copiedBytes: number): void => void statements.setCopied.run(copiedBytes, id),
    remove: (id: string): void => void statements.remove.run(id),
  }
}

function read(row: unknown): AdapterRecord | undefined {
  return row === undefined ? undefined : rowSchema.parse(row)
}

function prepare(database: SqliteDatabase) {
  return {
    find: database.prepare('SELECT * FROM adapter WHERE id = ?'),
    findByRun: database.prepare('SELECT * FROM adapter WHERE run_id = ?'),
    list: database.prepare('SELECT * FROM adapter WHERE deleted_at_ms IS NULL ORDER BY created_at_ms DESC, id DESC'),
    save: database.prepare(`INSERT INTO adapter
      (id, run_id, name, status, relative_path, base_model_id, base_model_revision, size_bytes, copied_bytes, files_json, health_json,
       summary_json, origin_json, stopped_early, manifest_sha256, quarantine_reason, verified_at_ms, created_at_ms, deleted_at_ms)
      VALUES (@id, @run_id, @name, @status, @relative_path, @base_model_id, @base_model_revision, @size_bytes, @copied_bytes, @files_json,
       @health_json, @summary_json, @origin_json, @stopped_early, @manifest_sha256, @quarantine_reason, @verified_at_ms, @created_at_ms, @deleted_at_ms)
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, relative_path = excluded.relative_path,
       base_model_id = excluded.base_model_id, base_model_revision = excluded.base_model_revision, size_bytes = excluded.size_bytes,
       copied_bytes = excluded.copied_bytes, files_json = excluded.files_json, health_json = excluded.health_json,
       summary_json = excluded.summary_json, origin_json = excluded.origin_json, stopped_early = excluded.stopped_early,
       manifest_sha256 = excluded.manifest_sha256, quarantine_reason = excluded.quarantine_reason,
       verified_at_ms = excluded.verified_at_ms, deleted_at_ms = excluded.deleted_at_ms`),
    setCopied: database.prepare('UPDATE adapter SET copied_bytes = ? WHERE id = ?'),
    remove: database.prepare('DELETE FROM adapter WHERE id = ?'),
  }
}

function toRow(record: AdapterRecord): Record<string, string | number | null> {
  return {
    id: record.id,
    run_id: record.runId,
    name: record.name,
    status: record.status,
    relative_path: record.relativePath,
    base_model_id: record.baseModelId,
    base_model_revision: record.baseModelRevision,
    size_bytes: record.sizeBytes,
    copied_bytes: record.copiedBytes,
    files_json: JSON.stringify(record.files),
    health_json: JSON.stringify(record.health),
    summary_json: JSON.stringify(record.summary),
    origin_json: JSON.stringify(record.origin),
    stopped_early: record.stoppedEarly ? 1 : 0,
    manifest_sha256: record.manifestSha256,
    quarantine_reason: record.quarantineReason,
    verified_at_ms: record.verifiedAtMs,
    created_at_ms: record.createdAtMs,
    deleted_at_ms: record.deletedAtMs,
  }
}
