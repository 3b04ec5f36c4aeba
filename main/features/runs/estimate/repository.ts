import type { SqliteDatabase } from '../../../db/open.ts'
import type { Comparison } from './calibration.ts'
import type { Basis } from './forecast.ts'
import { mostSteps } from './pace.ts'

/** What was predicted for a run; null figures where nothing could be. */
export interface Prediction {
  readonly runId: string
  readonly endpointId: string
  readonly gpuClass: string | null
  readonly basis: Basis | null
  readonly rawMs: number | null
  readonly lowMs: number | null
  readonly highMs: number | null
  readonly lowMicroUsd: number | null
  readonly highMicroUsd: number | null
  readonly predictedAtMs: number
}

/** What a run came to in the end. */
export interface Actual {
  readonly runId: string
  readonly gpuClass: string | null
  readonly actualMs: number
  readonly actualMicroUsd: number | null
  readonly isComparable: boolean
  readonly endedAtMs: number
}

/** Where the next run goes: runs on the same GPU count as alike and, where none is named, those of the same endpoint. */
export interface Place {
  readonly endpointId: string
  readonly gpuClass: string | null
}

/** An ended run with what was measured in it. */
export interface EndedRun {
  readonly runId: string
  readonly isSameModel: boolean
  readonly modelLabel: string
  readonly parameters: number | null
  readonly isIn4bit: boolean
  /** From the start of the job to the end; null unless it completed. */
  readonly durationMs: number | null
  readonly trainMs: number
  readonly evalMs: number | null
  readonly evaluations: number
  readonly rowsEval: number | null
  readonly steps: readonly { readonly stepMs: number; readonly tokens: number }[]
}

const endedRuns = 12
const comparedRuns = 10

export type ForecastRepository = ReturnType<typeof createForecastRepository>

/** Rows of `run_forecast`, and the pace of ended runs; no rules. */
export function createForecastRepository(db: SqliteDatabase) {
  const statements = prepare(db)
  return {
    savePrediction: (prediction: Prediction) => void statements.savePrediction.run(prediction),
    saveActual({ isComparable, ...actual }: Actual) {
      statements.saveActual.run({ ...actual, isComparable: isComparable ? 1 : 0 })
    },
    /** What was predicted for a run and what it came to. */
    find(runId: string): (Prediction & { readonly actualMs: number | null; readonly actualMicroUsd: number | null }) | undefined {
      return statements.find.get(runId) as ReturnType<ForecastRepository['find']>
    },
    /** The newest predictions of a kind that can be compared with what happened. */
    listComparisons: (basis: Basis, place: Place): readonly Comparison[] =>
      statements.listComparisons.all({ basis, ...place, limit: comparedRuns }) as Comparison[],
    /** The newest ended runs at a place that trained at least three steps. */
    listEnded(baseModelJson: string, place: Place): readonly EndedRun[] {
      const rows = statements.listEnded.all({ baseModelJson, ...place, limit: endedRuns }) as (Omit<
        EndedRun,
        'isSameModel' | 'isIn4bit' | 'steps'
      > & { isSameModel: number; isIn4bit: number })[]
      return rows.map(({ isSameModel, isIn4bit, runId, ...row }) => {
        const steps = statements.listSteps.all(runId, mostSteps) as EndedRun['steps']
        return Object.assign(row, { runId, steps, isSameModel: isSameModel === 1, isIn4bit: isIn4bit === 1 })
      })
    },
  }
}

/** Same GPU, or same endpoint as long as the GPU of one of the two is not known. */
const atPlace = `(f.gpu_class = @gpuClass OR (r.endpoint_id = @endpointId AND (f.gpu_class IS NULL OR @gpuClass IS NULL)))`

function prepare(db: SqliteDatabase) {
  return {
    savePrediction: db.prepare(`INSERT OR REPLACE INTO run_forecast
      (run_id, endpoint_id, gpu_class, basis, raw_ms, low_ms, high_ms, low_micro_usd, high_micro_usd, predicted_at_ms)
      VALUES (@runId, @endpointId, @gpuClass, @basis, @rawMs, @lowMs, @highMs, @lowMicroUsd, @highMicroUsd, @predictedAtMs)`),
    saveActual: db.prepare(`UPDATE run_forecast SET gpu_class = coalesce(@gpuClass, gpu_class), actual_ms = @actualMs,
      actual_micro_usd = @actualMicroUsd, is_comparable = @isComparable, ended_at_ms = @endedAtMs WHERE run_id = @runId`),
    find: db.prepare(`SELECT run_id AS runId, endpoint_id AS endpointId, gpu_class AS gpuClass, basis, raw_ms AS rawMs, low_ms AS lowMs,
      high_ms AS highMs, low_micro_usd AS lowMicroUsd, high_micro_usd AS highMicroUsd, predicted_at_ms AS predictedAtMs,
      actual_ms AS actualMs, actual_micro_usd AS actualMicroUsd FROM run_forecast WHERE run_id = ?`),
    listComparisons: db.prepare(`SELECT f.raw_ms AS rawMs, f.actual_ms AS actualMs FROM run_forecast f JOIN run r ON r.id = f.run_id
      WHERE f.basis = @basis AND f.is_comparable = 1 AND f.raw_ms IS NOT NULL AND ${atPlace} ORDER BY f.ended_at_ms DESC LIMIT @limit`),
    listEnded: db.prepare(`SELECT r.id AS runId,
        json_extract(r.config_json, '$.baseModel') = json(@baseModelJson) AS isSameModel,
        json_extract(r.state_json, '$.facts.baseModelLabel') AS modelLabel,
        json_extract(r.plan_json, '$.parametersTotal') AS parameters,
        coalesce(json_extract(r.config_json, '$.hyperparameters.load_in_4bit'), 0) AS isIn4bit,
        CASE WHEN r.status = 'completed' THEN r.ended_at_ms - r.started_at_ms END AS durationMs,
        (SELECT sum(step_ms) FROM metric m WHERE m.run_id = r.id AND m.kind = 'train') AS trainMs,
        json_extract(r.head_json, '$.evalMs') AS evalMs,
        (SELECT count(*) FROM metric m WHERE m.run_id = r.id AND m.kind = 'eval') AS evaluations,
        json_extract(r.plan_json, '$.rowsEval') AS rowsEval
      FROM run r LEFT JOIN run_forecast f ON f.run_id = r.id
      WHERE r.ended_at_ms IS NOT NULL AND ${atPlace}
      AND (SELECT count(*) FROM metric m WHERE m.run_id = r.id AND m.kind = 'train' AND m.step_ms IS NOT NULL AND m.tokens IS NOT NULL) >= 3
      ORDER BY r.created_at_ms DESC LIMIT @limit`),
    listSteps: db.prepare(`SELECT stepMs, tokens - before AS tokens FROM (
        SELECT step, step_ms AS stepMs, tokens, lag(tokens, 1, 0) OVER (ORDER BY step) AS before
        FROM metric WHERE run_id = ? AND kind = 'train' AND step_ms IS NOT NULL AND tokens IS NOT NULL)
      WHERE tokens > before ORDER BY step DESC LIMIT ?`),
  }
}
