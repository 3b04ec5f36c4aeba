import { costRecordSchema, type CostRecord } from '../../../preload/contract/costs.ts'
import type { SqliteDatabase } from '../../db/open.ts'

const columns = `id, run_id AS runId, run_name AS runName, type, endpoint_kind AS endpointKind, amount_micro_usd AS amountMicroUsd,
  duration_ms AS durationMs, detail, recorded_at_ms AS recordedAtMs`

export type CostRepository = ReturnType<typeof createCostRepository>

/** All SQL of the costs; no rules. */
export function createCostRepository(database: SqliteDatabase) {
  const insert = database.prepare(
    `INSERT INTO cost_record (id, run_id, run_name, type, endpoint_kind, amount_micro_usd, duration_ms, detail, recorded_at_ms)
     VALUES (@id, @runId, @runName, @type, @endpointKind, @amountMicroUsd, @durationMs, @detail, @recordedAtMs)
     ON CONFLICT (run_id, type) WHERE run_id IS NOT NULL DO NOTHING`,
  )
  const list = database.prepare(
    `SELECT ${columns} FROM cost_record
     WHERE (@fromMs IS NULL OR recorded_at_ms >= @fromMs) AND (@toMs IS NULL OR recorded_at_ms < @toMs)
     ORDER BY recorded_at_ms DESC, id DESC`,
  )
  return {
    /** False when the run already has its record. */
    insertOnce: (record: CostRecord): boolean => insert.run(record).changes > 0,
    /** Records of a period, newest first; the end is not part of it. */
    list: (fromMs: number | null, toMs: number | null): CostRecord[] =>
      list.all({ fromMs, toMs }).map((row) => costRecordSchema.parse(row)),
  }
}
