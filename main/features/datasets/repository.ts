import { z } from 'zod'
import {
  columnMappingSchema,
  datasetShapeSchema,
  datasetSplitSchema,
  datasetStatsSchema,
  datasetStatusSchema,
  datasetTokensSchema,
  sourceFormatSchema,
  type ColumnMapping,
  type DatasetStatus,
  type SourceFormat,
} from '../../../preload/contract/datasets.ts'
import { bytesSchema, countSchema, sha256Schema } from '../../../preload/contract/primitives.ts'
import type { SqliteDatabase } from '../../db/open.ts'
import { storedEditSchema, type StoredEdit } from './engine/edits/stored-edit.ts'
import type { EditRecord } from './engine/edits/history.ts'
import type { DatasetState } from './engine/open-dataset.ts'

const frozenSchema = z.object({
  sha256: sha256Schema,
  bytes: bytesSchema,
  rows: countSchema,
  /** The version, split and columns that it was made from. */
  state: z.string(),
})
/** The normalised training file of a dataset. */
export type FrozenFile = z.infer<typeof frozenSchema>

const storedSourceSchema = z.object({ fileName: z.string(), sha256: sha256Schema, bytes: bytesSchema, relativePath: z.string() })
/** A file as it was imported. */
export type StoredSource = z.infer<typeof storedSourceSchema>

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema)

const rowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    file_name: z.string(),
    sources_json: json(z.array(storedSourceSchema)),
    relative_path: z.string().nullable(),
    places_path: z.string().nullable(),
    size_bytes: z.int(),
    sha256: z.string().nullable(),
    format_json: json(sourceFormatSchema).nullable(),
    shape: datasetShapeSchema.nullable(),
    mapping_json: json(columnMappingSchema).nullable(),
    status: datasetStatusSchema,
    stats_json: json(datasetStatsSchema).nullable(),
    tokens_json: json(datasetTokensSchema).nullable(),
    split_json: json(datasetSplitSchema).nullable(),
    version: z.int(),
    frozen_json: json(frozenSchema).nullable(),
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
    sources: row.sources_json,
    relativePath: row.relative_path,
    placesPath: row.places_path,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    format: row.format_json,
    shape: row.shape,
    mapping: row.mapping_json,
    status: row.status,
    stats: row.stats_json,
    tokens: row.tokens_json,
    split: row.split_json,
    version: row.version,
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

/** What a finished import leaves behind. */
export interface ImportedFiles {
  readonly relativePath: string
  readonly placesPath: string | null
  readonly sha256: string
  readonly bytes: number
  readonly sources: readonly StoredSource[]
}

const editRowSchema = z.object({ title: z.string(), at_ms: z.int(), edit_json: json(z.unknown()) })

export type DatasetRepository = ReturnType<typeof createDatasetRepository>

/** All SQL of the datasets; no rules. */
export function createDatasetRepository(database: SqliteDatabase) {
  const update = (id: string, atMs: number, assignments: string, ...values: unknown[]) =>
    void database.prepare(`UPDATE dataset SET ${assignments}, updated_at_ms = ? WHERE id = ?`).run(...values, atMs, id)
  const setState = (id: string, state: DatasetState, atMs: number) =>
    update(
      id,
      atMs,
      'shape = ?, stats_json = ?, tokens_json = coalesce(?, tokens_json), split_json = ?, version = ?',
      state.shape,
      JSON.stringify(state.stats),
      textOf(state.tokens),
      textOf(state.split),
      state.version,
    )
  const addEdit = database.transaction((id: string, record: EditRecord, state: DatasetState, atMs: number) => {
    database.prepare('DELETE FROM dataset_edit WHERE dataset_id = ? AND number >= ?').run(id, state.version)
    database
      .prepare('INSERT INTO dataset_edit (dataset_id, number, title, edit_json, at_ms) VALUES (?, ?, ?, ?, ?)')
      .run(id, state.version, record.title, JSON.stringify(record.edit), record.atMs)
    setState(id, state, atMs)
  })

  return {
    insert(input: { id: string; name: string; fileName: string; sizeBytes: number; mapping: ColumnMapping | null; atMs: number }): void {
      database
        .prepare(
          `INSERT INTO dataset (id, name, file_name, size_bytes, mapping_json, status, created_at_ms, updated_at_ms)
           VALUES (@id, @name, @fileName, @sizeBytes, @mapping, 'importing', @atMs, @atMs)`,
        )
        .run({ ...input, mapping: textOf(input.mapping) })
    },
    /** Finds soft-deleted datasets too; the caller looks at `deletedAtMs`. */
    find: (id: string) => read(database.prepare('SELECT * FROM dataset WHERE id = ?').get(id)),
    list: () => readAll(database.prepare('SELECT * FROM dataset WHERE deleted_at_ms IS NULL ORDER BY created_at_ms DESC, id DESC').all()),
    listUnfinished: () =>
      readAll(database.prepare("SELECT * FROM dataset WHERE deleted_at_ms IS NULL AND status IN ('importing', 'validating')").all()),
    listDeleted: () => readAll(database.prepare('SELECT * FROM dataset WHERE deleted_at_ms IS NOT NULL').all()),
    /** Datasets that were made of exactly one file of this size. */
    listBySize: (sizeBytes: number) =>
      readAll(
        database.prepare('SELECT * FROM dataset WHERE size_bytes = ? AND sha256 IS NOT NULL AND deleted_at_ms IS NULL').all(sizeBytes),
      ),
    /** How many datasets, deleted ones included, use a stored file. */
    countFileUsers: (relativePath: string) =>
      Number(
        database
          .prepare(
            `SELECT count(*) FROM dataset WHERE relative_path = @path OR places_path = @path
             OR EXISTS (SELECT 1 FROM json_each(sources_json) WHERE value ->> 'relativePath' = @path)`,
          )
          .pluck()
          .get({ path: relativePath }),
      ),
    countFrozenUsers: (sha256: string) =>
      Number(database.prepare("SELECT count(*) FROM dataset WHERE frozen_json ->> 'sha256' = ?").pluck().get(sha256)),
    setFiles: (id: string, files: ImportedFiles, format: SourceFormat | null, atMs: number) =>
      update(
        id,
        atMs,
        'relative_path = ?, places_path = ?, sha256 = ?, size_bytes = ?, sources_json = ?, format_json = ?',
        files.relativePath,
        files.placesPath,
        files.sha256,
        files.bytes,
        JSON.stringify(files.sources),
        textOf(format),
      ),
    setName: (id: string, name: string, description: string, atMs: number) =>
      update(id, atMs, 'name = ?, description = ?', name, description),
    setMapping: (id: string, mapping: ColumnMapping | null, atMs: number) => update(id, atMs, 'mapping_json = ?', textOf(mapping)),
    setStatus: (id: string, status: DatasetStatus, errorMessage: string | null, atMs: number) =>
      update(id, atMs, 'status = ?, error_message = ?', status, errorMessage),
    setAcceptsValidRowsOnly: (id: string, accepts: boolean, atMs: number) =>
      update(id, atMs, 'accepts_valid_rows_only = ?', accepts ? 1 : 0),
    setValidated: (id: string, atMs: number) => update(id, atMs, 'validated_at_ms = ?', atMs),
    setFrozen: (id: string, frozen: FrozenFile, atMs: number) => update(id, atMs, 'frozen_json = ?', JSON.stringify(frozen)),
    setDeleted: (id: string, deletedAtMs: number | null, atMs: number) => update(id, atMs, 'deleted_at_ms = ?', deletedAtMs),
    setState,
    /** Keeps an edit as number `state.version` and forgets the ones from there on. */
    addEdit: (id: string, record: EditRecord, state: DatasetState, atMs: number): void => addEdit(id, record, state, atMs),
    removeEdits: (id: string) => void database.prepare('DELETE FROM dataset_edit WHERE dataset_id = ?').run(id),
    countEdits: (id: string) => Number(database.prepare('SELECT count(*) FROM dataset_edit WHERE dataset_id = ?').pluck().get(id)),
    listEdits: (id: string): EditRecord[] =>
      database
        .prepare('SELECT title, at_ms, edit_json FROM dataset_edit WHERE dataset_id = ? ORDER BY number')
        .all(id)
        .map((row) => {
          const { title, at_ms: atMs, edit_json: edit } = editRowSchema.parse(row)
          storedEditSchema.parse(edit)
          return { title, atMs, edit: edit as StoredEdit }
        }),
    remove: (id: string): void => void database.prepare('DELETE FROM dataset WHERE id = ?').run(id),
  }
}

function textOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

function read(row: unknown): DatasetRecord | undefined {
  return row === undefined ? undefined : rowSchema.parse(row)
}

function readAll(rows: readonly unknown[]): DatasetRecord[] {
  return rows.map((row) => rowSchema.parse(row))
}
