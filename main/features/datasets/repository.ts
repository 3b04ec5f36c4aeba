import { z } from 'zod'
import {
  datasetErrorCodeSchema,
  datasetErrorSchema,
  datasetShapeSchema,
  datasetStatsSchema,
  datasetStatusSchema,
  type DatasetError,
  type DatasetShape,
  type DatasetStats,
  type DatasetStatus,
} from '../../../preload/contract/datasets.ts'
import { sha256Schema } from '../../../preload/contract/primitives.ts'
import type { SqliteDatabase } from '../../db/open.ts'
import type { ErrorCounts } from './check-rows.ts'
import { numbersPerRow, type ValidationBatch } from './worker-protocol.ts'

const frozenSchema = z.object({ sha256: sha256Schema, bytes: z.int().nonnegative(), rows: z.int().nonnegative() })
/** The normalised training file of a dataset. */
export type FrozenFile = z.infer<typeof frozenSchema>

const errorCountsSchema = z.partialRecord(datasetErrorCodeSchema, z.int().nonnegative())
const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema)
    .nullable()

const rowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    file_name: z.string(),
    relative_path: z.string().nullable(),
    size_bytes: z.int(),
    sha256: z.string().nullable(),
    shape: datasetShapeSchema.nullable(),
    status: datasetStatusSchema,
    stats_json: json(datasetStatsSchema),
    error_counts_json: json(errorCountsSchema),
    frozen_json: json(frozenSchema),
    accepts_valid_rows_only: z.int(),
    error_message: z.string().nullable(),
    created_at_ms: z.int(),
    updated_at_ms: z.int(),
    validated_at_ms: z.int().nullable(),
    deleted_at_ms: z.int().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    fileName: row.file_name,
    relativePath: row.relative_path,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    shape: row.shape,
    status: row.status,
    stats: row.stats_json,
    errorCounts: row.error_counts_json ?? {},
    frozen: row.frozen_json,
    acceptsValidRowsOnly: row.accepts_valid_rows_only === 1,
    errorMessage: row.error_message,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    validatedAtMs: row.validated_at_ms,
    deletedAtMs: row.deleted_at_ms,
  }))
/** A dataset as it is stored. */
export type DatasetRecord = z.infer<typeof rowSchema>

const rowPlaceSchema = z.object({ line: z.int(), offset_bytes: z.int(), length_bytes: z.int() })

/** Where one usable row stands in the stored file. */
export interface RowPlace {
  readonly line: number
  readonly offsetBytes: number
  readonly lengthBytes: number
}

/** What a finished validation leaves behind. */
export interface StoredFindings {
  readonly shape: DatasetShape | null
  readonly stats: DatasetStats
  readonly errorCounts: ErrorCounts
}

export type DatasetRepository = ReturnType<typeof createDatasetRepository>

/** How many index rows or errors one transaction removes. */
const removalPortion = 5000

/** All SQL of the datasets; no rules. */
export function createDatasetRepository(database: SqliteDatabase) {
  const insertRow = database.prepare('INSERT INTO dataset_row (dataset_id, row, line, offset_bytes, length_bytes) VALUES (?, ?, ?, ?, ?)')
  const insertError = database.prepare(
    'INSERT INTO dataset_error (dataset_id, line, pointer, code, message, suggestion) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const update = (id: string, atMs: number, assignments: string, ...values: unknown[]) =>
    void database.prepare(`UPDATE dataset SET ${assignments}, updated_at_ms = ? WHERE id = ?`).run(...values, atMs, id)
  const storeBatch = database.transaction((id: string, firstRow: number, batch: ValidationBatch) => {
    const { rows } = batch
    for (let at = 0; at < rows.length; at += numbersPerRow) {
      insertRow.run(id, firstRow + at / numbersPerRow, rows[at], rows[at + 1], rows[at + 2])
    }
    for (const { line, pointer, code, message, suggestion } of batch.errors) insertError.run(id, line, pointer, code, message, suggestion)
  })

  return {
    insert(input: { id: string; name: string; fileName: string; sizeBytes: number; atMs: number }): void {
      database
        .prepare(
          `INSERT INTO dataset (id, name, file_name, size_bytes, status, created_at_ms, updated_at_ms)
           VALUES (@id, @name, @fileName, @sizeBytes, 'importing', @atMs, @atMs)`,
        )
        .run(input)
    },
    /** Finds soft-deleted datasets too; the caller looks at `deletedAtMs`. */
    find: (id: string) => read(database.prepare('SELECT * FROM dataset WHERE id = ?').get(id)),
    list: () => readAll(database.prepare('SELECT * FROM dataset WHERE deleted_at_ms IS NULL ORDER BY created_at_ms DESC, id DESC').all()),
    listUnfinished: () =>
      readAll(database.prepare("SELECT * FROM dataset WHERE deleted_at_ms IS NULL AND status IN ('importing', 'validating')").all()),
    listDeleted: () => readAll(database.prepare('SELECT * FROM dataset WHERE deleted_at_ms IS NOT NULL').all()),
    listBySize: (sizeBytes: number) =>
      readAll(
        database.prepare('SELECT * FROM dataset WHERE size_bytes = ? AND sha256 IS NOT NULL AND deleted_at_ms IS NULL').all(sizeBytes),
      ),
    /** How many datasets, deleted ones included, use a stored file. */
    countFileUsers: (relativePath: string) =>
      Number(database.prepare('SELECT count(*) FROM dataset WHERE relative_path = ?').pluck().get(relativePath)),
    countFrozenUsers: (sha256: string) =>
      Number(database.prepare("SELECT count(*) FROM dataset WHERE frozen_json ->> 'sha256' = ?").pluck().get(sha256)),
    setFile: (id: string, file: { relativePath: string; sha256: string; bytes: number }, atMs: number) =>
      update(id, atMs, 'relative_path = ?, sha256 = ?, size_bytes = ?', file.relativePath, file.sha256, file.bytes),
    setStatus: (id: string, status: DatasetStatus, errorMessage: string | null, atMs: number) =>
      update(id, atMs, 'status = ?, error_message = ?', status, errorMessage),
    setName: (id: string, name: string, description: string, atMs: number) =>
      update(id, atMs, 'name = ?, description = ?', name, description),
    setAcceptsValidRowsOnly: (id: string, accepts: boolean, atMs: number) =>
      update(id, atMs, 'accepts_valid_rows_only = ?', accepts ? 1 : 0),
    setDeleted: (id: string, deletedAtMs: number | null, atMs: number) => update(id, atMs, 'deleted_at_ms = ?', deletedAtMs),
    setFrozen: (id: string, frozen: FrozenFile, atMs: number) => update(id, atMs, 'frozen_json = ?', JSON.stringify(frozen)),
    setFindings: (id: string, findings: StoredFindings | null, atMs: number) =>
      update(
        id,
        atMs,
        'shape = ?, stats_json = ?, error_counts_json = ?, validated_at_ms = ?',
        findings?.shape ?? null,
        findings === null ? null : JSON.stringify(findings.stats),
        findings === null ? null : JSON.stringify(findings.errorCounts),
        findings === null ? null : atMs,
      ),
    storeBatch: (id: string, firstRow: number, batch: ValidationBatch): void => storeBatch(id, firstRow, batch),
    /** Removes one portion of a dataset's index and errors; false once nothing is left. */
    removeResultPortion(id: string): boolean {
      const rows = database
        .prepare(
          'DELETE FROM dataset_row WHERE dataset_id = @id AND row IN (SELECT row FROM dataset_row WHERE dataset_id = @id LIMIT @portion)',
        )
        .run({ id, portion: removalPortion }).changes
      const errors = database
        .prepare('DELETE FROM dataset_error WHERE id IN (SELECT id FROM dataset_error WHERE dataset_id = @id LIMIT @portion)')
        .run({ id, portion: removalPortion }).changes
      return rows + errors > 0
    },
    remove: (id: string): void => void database.prepare('DELETE FROM dataset WHERE id = ?').run(id),
    countStoredErrors: (id: string) => Number(database.prepare('SELECT count(*) FROM dataset_error WHERE dataset_id = ?').pluck().get(id)),
    listErrors: (id: string, offset: number, limit: number): DatasetError[] =>
      database
        .prepare(
          'SELECT line, pointer, code, message, suggestion FROM dataset_error WHERE dataset_id = ? ORDER BY line, id LIMIT ? OFFSET ?',
        )
        .all(id, limit, offset)
        .map((row) => datasetErrorSchema.parse(row)),
    listRowPlaces: (id: string, offset: number, limit: number): RowPlace[] =>
      database
        .prepare('SELECT line, offset_bytes, length_bytes FROM dataset_row WHERE dataset_id = ? AND row >= ? AND row < ? ORDER BY row')
        .all(id, offset, offset + limit)
        .map((row) => rowPlaceSchema.parse(row))
        .map((row) => ({ line: row.line, offsetBytes: row.offset_bytes, lengthBytes: row.length_bytes })),
  }
}

function read(row: unknown): DatasetRecord | undefined {
  return row === undefined ? undefined : rowSchema.parse(row)
}

function readAll(rows: readonly unknown[]): DatasetRecord[] {
  return rows.map((row) => rowSchema.parse(row))
}
