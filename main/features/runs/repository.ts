import {
  runConfigSchema,
  runMemoryPlanSchema,
  runPlanSchema,
  type RunConfig,
  type RunMemoryPlan,
  type RunPlan,
} from '../../../preload/contract/runs.ts'
import type { SqliteDatabase } from '../../db/open.ts'
import { emptyLive, liveSchema, type Live } from './progress/live.ts'
import { machineEventSchema, runStateSchema, statusOf, type MachineEvent, type RunState } from './state.ts'

/** A run as it is stored. */
export interface StoredRun {
  readonly id: string
  readonly name: string
  readonly config: RunConfig
  readonly state: RunState
  readonly live: Live
  readonly plan: RunPlan | null
  readonly memoryPlan: RunMemoryPlan | null
  /** Highest worker event taken in. */
  readonly cursor: number
  readonly lastSeenAtMs: number | null
  readonly createdAtMs: number
}

/** One line of a run's history. */
export interface StoredEvent {
  readonly seq: number
  readonly atMs: number
  readonly event: MachineEvent
}

interface RunRow {
  readonly id: string
  readonly name: string
  readonly config_json: string
  readonly state_json: string
  readonly head_json: string
  readonly plan_json: string | null
  readonly memory_plan_json: string | null
  readonly event_cursor: number
  readonly last_seen_at_ms: number | null
  readonly created_at_ms: number
}

export type RunRepository = ReturnType<typeof createRunRepository>

/** Rows of `run` and `run_event`; no rules. */
export function createRunRepository(db: SqliteDatabase) {
  const statements = prepare(db)
  const saveState = (id: string, state: RunState) => {
    statements.saveState.run({
      id,
      state_json: JSON.stringify(state),
      status: statusOf(state),
      stage: state.stage,
      job_id: state.jobId,
      started_at_ms: state.startedAtMs,
      ended_at_ms: state.endedAtMs,
    })
  }
  return {
    /** Runs `work` as one synchronous transaction (a savepoint when already inside one). */
    transaction: <T>(work: () => T): T => db.transaction(work)(),
    insert(run: { id: string; name: string; config: RunConfig; state: RunState }) {
      statements.insert.run({
        id: run.id,
        name: run.name,
        dataset_id: run.config.datasetId,
        endpoint_id: run.config.endpointId,
        config_json: JSON.stringify(run.config),
        state_json: JSON.stringify(run.state),
        status: statusOf(run.state),
        stage: run.state.stage,
        head_json: JSON.stringify(emptyLive),
        created_at_ms: run.state.createdAtMs,
      })
    },
    find(id: string): StoredRun | undefined {
      const row = statements.find.get(id) as RunRow | undefined
      return row === undefined ? undefined : toRun(row)
    },
    findState(id: string): RunState | undefined {
      const text = statements.findState.pluck().get(id) as string | undefined
      return text === undefined ? undefined : runStateSchema.parse(JSON.parse(text))
    },
    list: (): readonly StoredRun[] => (statements.list.all() as RunRow[]).map(toRun),
    /** Active runs, and everything that ever had its turn in the queue, removed ones included: their cost stays. */
    listForQueue: (): readonly StoredRun[] => (statements.listForQueue.all() as RunRow[]).map(toRun),
    /** Runs with work left: active ones and ended ones whose closing is not recorded. */
    listUnfinishedIds: (): readonly string[] => statements.listUnfinished.pluck().all() as string[],
    /** Whether an active run names a dataset or an endpoint. */
    /** True when any run, ended or removed ones included, was trained on the dataset. */
    refersTo: (datasetId: string): boolean => statements.refersTo.get(datasetId) !== undefined,
    isUsedByActiveRun: (id: string): boolean => statements.isUsed.get(id, id) !== undefined,
    saveState,
    appendEvent(id: string, atMs: number, event: MachineEvent) {
      statements.appendEvent.run({ run_id: id, at_ms: atMs, type: event.type, event_json: JSON.stringify(event) })
    },
    listEvents(id: string): readonly StoredEvent[] {
      const rows = statements.listEvents.all(id) as { seq: number; at_ms: number; event_json: string }[]
      return rows.map((row) => ({ seq: row.seq, atMs: row.at_ms, event: machineEventSchema.parse(JSON.parse(row.event_json)) }))
    },
    saveProgress(id: string, progress: { cursor: number; live: Live; plan: RunPlan | null; memoryPlan: RunMemoryPlan | null }) {
      statements.saveProgress.run({
        id,
        event_cursor: progress.cursor,
        head_json: JSON.stringify(progress.live),
        plan_json: toJson(progress.plan),
        memory_plan_json: toJson(progress.memoryPlan),
      })
    },
    /** Replaces the words for the current stage; nothing else of the live record changes. */
    saveStageDetail: (id: string, detail: string | null) => void statements.saveStageDetail.run(JSON.stringify(detail), id),
    touch: (id: string, atMs: number) => void statements.touch.run(atMs, id),
    rename: (id: string, name: string) => void statements.rename.run(name, id),
    markDeleted: (id: string, atMs: number) => void statements.markDeleted.run(atMs, id),
  }
}

function prepare(db: SqliteDatabase) {
  return {
    insert:
      db.prepare(`INSERT INTO run (id, name, dataset_id, endpoint_id, config_json, state_json, status, stage, head_json, created_at_ms)
      VALUES (@id, @name, @dataset_id, @endpoint_id, @config_json, @state_json, @status, @stage, @head_json, @created_at_ms)`),
    find: db.prepare('SELECT * FROM run WHERE id = ? AND deleted_at_ms IS NULL'),
    findState: db.prepare('SELECT state_json FROM run WHERE id = ?'),
    list: db.prepare('SELECT * FROM run WHERE deleted_at_ms IS NULL ORDER BY created_at_ms DESC, id DESC'),
    listForQueue: db.prepare(`SELECT * FROM run WHERE status IN ('queued', 'initializing', 'running', 'collecting')
      OR json_extract(state_json, '$.queued.releasedAtMs') IS NOT NULL ORDER BY created_at_ms, id`),
    listUnfinished: db.prepare(`SELECT id FROM run WHERE status IN ('queued', 'initializing', 'running', 'collecting')
      OR json_extract(state_json, '$.isSettled') = 0
      OR json_extract(state_json, '$.rescue.phase') IN ('posting', 'following') ORDER BY created_at_ms, id`),
    refersTo: db.prepare('SELECT 1 FROM run WHERE dataset_id = ? LIMIT 1'),
    isUsed: db.prepare(`SELECT 1 FROM run WHERE (status IN ('queued', 'initializing', 'running', 'collecting')
      OR json_extract(state_json, '$.rescue.phase') IN ('posting', 'following'))
      AND (dataset_id = ? OR endpoint_id = ?) LIMIT 1`),
    saveState: db.prepare(`UPDATE run SET state_json = @state_json, status = @status, stage = @stage, job_id = @job_id,
      started_at_ms = @started_at_ms, ended_at_ms = @ended_at_ms WHERE id = @id`),
    appendEvent: db.prepare(`INSERT INTO run_event (run_id, seq, at_ms, type, event_json)
      VALUES (@run_id, (SELECT coalesce(max(seq), 0) + 1 FROM run_event WHERE run_id = @run_id), @at_ms, @type, @event_json)`),
    listEvents: db.prepare('SELECT seq, at_ms, event_json FROM run_event WHERE run_id = ? ORDER BY seq'),
    saveProgress: db.prepare(`UPDATE run SET event_cursor = @event_cursor, head_json = @head_json, plan_json = @plan_json,
      memory_plan_json = @memory_plan_json WHERE id = @id`),
    saveStageDetail: db.prepare("UPDATE run SET head_json = json_set(head_json, '$.stageDetail', json(?)) WHERE id = ?"),
    touch: db.prepare('UPDATE run SET last_seen_at_ms = max(coalesce(last_seen_at_ms, 0), ?) WHERE id = ?'),
    rename: db.prepare('UPDATE run SET name = ? WHERE id = ?'),
    markDeleted: db.prepare('UPDATE run SET deleted_at_ms = ? WHERE id = ?'),
  }
}

function toJson(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value)
}

function toRun(row: RunRow): StoredRun {
  return {
    id: row.id,
    name: row.name,
    config: runConfigSchema.parse(JSON.parse(row.config_json)),
    state: runStateSchema.parse(JSON.parse(row.state_json)),
    live: liveSchema.parse(JSON.parse(row.head_json)),
    plan: row.plan_json === null ? null : runPlanSchema.parse(JSON.parse(row.plan_json)),
    memoryPlan: row.memory_plan_json === null ? null : runMemoryPlanSchema.parse(JSON.parse(row.memory_plan_json)),
    cursor: row.event_cursor,
    lastSeenAtMs: row.last_seen_at_ms,
    createdAtMs: row.created_at_ms,
  }
}
