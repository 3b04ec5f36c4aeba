import { z } from 'zod'
import { costRecordSchema, type CostRecord } from '../../../preload/contract/costs.ts'
import type { SqliteDatabase } from '../../db/open.ts'

const rowSchema = z
  .object({
    id: z.string(),
    source_key: z.string(),
    run_id: z.string().nullable(),
    run_name: z.string(),
    type: costRecordSchema.shape.type,
    endpoint_kind: costRecordSchema.shape.endpointKind,
    endpoint_name: z.string(),
    remote_id: z.string().nullable(),
    amount_micro_usd: z.int().nullable(),
    start_up_micro_usd: z.int().nullable(),
    execution_micro_usd: z.int().nullable(),
    idle_micro_usd: z.int().nullable(),
    duration_ms: z.int(),
    from_ms: z.int().nullable(),
    to_ms: z.int().nullable(),
    detail: z.string(),
    recorded_at_ms: z.int(),
  })
  .transform((row) => ({ sourceKey: row.source_key, remoteId: row.remote_id, record: toRecord(row) }))

/** A record with what it is matched by. */
export type StoredCost = z.output<typeof rowSchema>

/** A new record; the key names what it is for, so that it is made once. */
export interface NewCost extends CostRecord {
  readonly sourceKey: string
  readonly endpointId: string
}

export type CostRepository = ReturnType<typeof createCostRepository>

/** All SQL of the computed costs; no rules. */
export function createCostRepository(database: SqliteDatabase) {
  const insert = database.prepare(
    `INSERT INTO cost_record (id, source_key, run_id, run_name, type, endpoint_kind, endpoint_id, endpoint_name, amount_micro_usd,
       start_up_micro_usd, execution_micro_usd, idle_micro_usd, duration_ms, from_ms, to_ms, detail, recorded_at_ms)
     VALUES (@id, @sourceKey, (SELECT id FROM run WHERE id = @runId), @runName, @type, @endpointKind, @endpointId, @endpointName,
       @amountMicroUsd, @startUpMicroUsd, @executionMicroUsd, @idleMicroUsd, @durationMs, @fromMs, @toMs, @detail, @recordedAtMs)
     ON CONFLICT (source_key) DO NOTHING`,
  )
  const list = database.prepare(
    `SELECT c.*, e.runpod_endpoint_id AS remote_id FROM cost_record c LEFT JOIN endpoint e ON e.id = c.endpoint_id
     WHERE (@fromMs IS NULL OR coalesce(c.to_ms, c.recorded_at_ms) >= @fromMs)
       AND (@toMs IS NULL OR coalesce(c.from_ms, c.recorded_at_ms) < @toMs)
     ORDER BY c.recorded_at_ms DESC, c.id DESC`,
  )
  const remoteId = database.prepare('SELECT runpod_endpoint_id FROM endpoint WHERE id = ?').pluck()
  const runName = database.prepare('SELECT name FROM run WHERE id = ?').pluck()
  return {
    /** False when there is a record for the same thing already. */
    insertOnce({ parts, span, ...cost }: NewCost): boolean {
      const { startUpMicroUsd = null, executionMicroUsd = null, idleMicroUsd = null } = parts ?? {}
      const { fromMs = null, toMs = null } = span ?? {}
      return insert.run({ ...cost, startUpMicroUsd, executionMicroUsd, idleMicroUsd, fromMs, toMs }).changes > 0
    },
    /** Records whose time touches a span, newest first. */
    list: (fromMs: number | null, toMs: number | null): readonly StoredCost[] =>
      list.all({ fromMs, toMs }).map((row) => rowSchema.parse(row)),
    /** Under which id RunPod knows an endpoint, also a removed one. */
    remoteIdOf: (endpointId: string): string | null => z.string().nullable().catch(null).parse(remoteId.get(endpointId)),
    runNameOf: (id: string): string | null => z.string().nullable().catch(null).parse(runName.get(id)),
  }
}

interface PartRow {
  readonly id: string
  readonly run_id: string | null
  readonly run_name: string
  readonly type: CostRecord['type']
  readonly endpoint_kind: CostRecord['endpointKind']
  readonly endpoint_name: string
  readonly amount_micro_usd: number | null
  readonly start_up_micro_usd: number | null
  readonly execution_micro_usd: number | null
  readonly idle_micro_usd: number | null
  readonly duration_ms: number
  readonly from_ms: number | null
  readonly to_ms: number | null
  readonly detail: string
  readonly recorded_at_ms: number
}

function toRecord(row: PartRow): CostRecord {
  const { start_up_micro_usd: startUpMicroUsd, execution_micro_usd: executionMicroUsd, idle_micro_usd: idleMicroUsd } = row
  return {
    id: row.id,
    runId: row.run_id,
    runName: row.run_name,
    type: row.type,
    endpointKind: row.endpoint_kind,
    endpointName: row.endpoint_name,
    amountMicroUsd: row.amount_micro_usd,
    parts:
      startUpMicroUsd === null || executionMicroUsd === null || idleMicroUsd === null
        ? null
        : { startUpMicroUsd, executionMicroUsd, idleMicroUsd },
    durationMs: row.duration_ms,
    span: row.from_ms === null || row.to_ms === null ? null : { fromMs: row.from_ms, toMs: row.to_ms },
    detail: row.detail,
    recordedAtMs: row.recorded_at_ms,
  }
}
