import {
  runMaskSampleSchema,
  type MetricPoint,
  type RunHead,
  type RunLogLine,
  type RunMaskSample,
  type RunSample,
} from '../../../../preload/contract/runs.ts'
import type { SqliteDatabase } from '../../../db/open.ts'
import { median } from './live.ts'

/** One row of the loss curve with everything that was measured. */
export interface MetricRow {
  readonly kind: 'train' | 'eval'
  readonly step: number
  readonly epoch: number
  readonly loss: number
  readonly learningRate: number | null
  readonly gradNorm: number | null
  readonly tokensPerSecond: number | null
  readonly tokens: number | null
  readonly stepMs: number | null
  readonly memoryBytes: number | null
  readonly accuracy: number | null
  readonly attempt: number
  readonly atMs: number
}

interface MaskSampleRow extends Omit<RunMaskSample, 'segments' | 'isCut'> {
  readonly segments: string
  readonly isCut: number
}

/** A saved training state on the volume. */
export interface CheckpointMark {
  readonly step: number
  readonly isBest: boolean
  readonly bytes: number
  readonly atMs: number
}

const metricColumns = `kind, step, epoch, loss, learning_rate AS learningRate, grad_norm AS gradNorm, tokens_per_s AS tokensPerSecond,
  tokens, step_ms AS stepMs, memory_bytes AS memoryBytes, accuracy, attempt, at_ms AS atMs`

export type ProgressRepository = ReturnType<typeof createProgressRepository>

/** Rows of `metric`, `checkpoint`, `run_sample`, `run_mask_sample` and `run_log`; no rules. */
export function createProgressRepository(db: SqliteDatabase) {
  const statements = { ...prepareWrites(db), ...prepareReads(db) }
  const listMetrics = (runId: string, afterStep = -1) => statements.listMetrics.all(runId, afterStep) as MetricRow[]
  return {
    saveMetric: (runId: string, row: MetricRow) => void statements.saveMetric.run({ runId, ...row }),
    /** Forgets everything recorded after a step, because it will be recorded again. */
    voidAfter(runId: string, step: number) {
      for (const statement of statements.voidAfter) statement.run(runId, step)
    },
    saveCheckpoint(runId: string, mark: CheckpointMark) {
      if (mark.isBest) statements.clearBest.run(runId)
      statements.saveCheckpoint.run({ runId, ...mark, isBest: mark.isBest ? 1 : 0 })
    },
    saveSample: (runId: string, sample: RunSample) => void statements.saveSample.run({ runId, ...sample }),
    saveMaskSample(runId: string, { segments, isCut, ...sample }: RunMaskSample) {
      statements.saveMaskSample.run({ runId, ...sample, segments: JSON.stringify(segments), isCut: isCut ? 1 : 0 })
    },
    addLog(runId: string, line: Omit<RunLogLine, 'id'>): RunLogLine {
      const { lastInsertRowid } = statements.addLog.run({ runId, ...line })
      return { id: Number(lastInsertRowid), ...line }
    },
    listMetrics,
    listPoints: (runId: string, afterStep: number): readonly MetricPoint[] => listMetrics(runId, afterStep).map(toPoint),
    listCheckpoints(runId: string, afterStep: number): readonly CheckpointMark[] {
      const rows = statements.listCheckpoints.all(runId, afterStep) as (Omit<CheckpointMark, 'isBest'> & { isBest: number })[]
      return rows.map(({ step, isBest, bytes, atMs }) => ({ step, isBest: isBest === 1, bytes, atMs }))
    },
    listSamples: (runId: string) => statements.listSamples.all(runId) as RunSample[],
    listMaskSamples(runId: string): RunMaskSample[] {
      const rows = statements.listMaskSamples.all(runId) as MaskSampleRow[]
      return rows.map(({ segments, isCut, ...sample }) =>
        runMaskSampleSchema.parse({ ...sample, segments: JSON.parse(segments), isCut: isCut === 1 }),
      )
    },
    /** The newest scalars, always computed from the stored rows. */
    readHead: (runId: string): RunHead => readHead(statements, runId),
    readSavedStep: (runId: string): number | null => statements.newestCheckpoint.pluck().get(runId) as number | null,
    readEvalMs: (runId: string): number | null => median(statements.evalTimes.pluck().all(runId) as number[]),
  }
}

function readHead(statements: ReturnType<typeof prepareReads>, runId: string): RunHead {
  const last = statements.lastOf.get(runId, 'train') as MetricRow | undefined
  const first = statements.firstOf.get(runId, 'train') as MetricRow | undefined
  const lastEval = statements.lastOf.get(runId, 'eval') as MetricRow | undefined
  const baseEval = statements.firstOf.get(runId, 'eval') as MetricRow | undefined
  return {
    step: last?.step ?? 0,
    epoch: last?.epoch ?? 0,
    loss: last?.loss ?? null,
    lossFirst: first?.loss ?? null,
    evalLoss: lastEval?.loss ?? null,
    evalLossBase: baseEval?.step === 0 ? baseEval.loss : null,
    evalLossBest: statements.bestEval.pluck().get(runId) as number | null,
    learningRate: last?.learningRate ?? null,
    gradNorm: last?.gradNorm ?? null,
    tokensPerSecond: last?.tokensPerSecond ?? null,
    tokens: last?.tokens ?? 0,
    memoryBytes: last?.memoryBytes ?? null,
    memoryPeakBytes: statements.memoryPeak.pluck().get(runId) as number | null,
    stepMs: median(statements.lastStepTimes.pluck().all(runId) as number[]),
  }
}

/** A point of the curve as the windows see it. */
export function toPoint(row: MetricRow): MetricPoint {
  const { kind, step, epoch, loss, learningRate, gradNorm, tokensPerSecond, tokens, accuracy, atMs } = row
  return { kind, step, epoch, loss, learningRate, gradNorm, tokensPerSecond, tokens, accuracy, atMs }
}

function prepareWrites(db: SqliteDatabase) {
  return {
    saveMetric: db.prepare(`INSERT OR REPLACE INTO metric
      (run_id, kind, step, epoch, loss, learning_rate, grad_norm, tokens_per_s, tokens, step_ms, memory_bytes, accuracy, attempt, at_ms)
      VALUES (@runId, @kind, @step, @epoch, @loss, @learningRate, @gradNorm, @tokensPerSecond, @tokens, @stepMs, @memoryBytes, @accuracy, @attempt, @atMs)`),
    voidAfter: [
      db.prepare('DELETE FROM metric WHERE run_id = ? AND step > ?'),
      db.prepare('DELETE FROM checkpoint WHERE run_id = ? AND step > ?'),
      db.prepare('DELETE FROM run_sample WHERE run_id = ? AND step > ?'),
    ],
    clearBest: db.prepare('UPDATE checkpoint SET is_best = 0 WHERE run_id = ?'),
    saveCheckpoint: db.prepare(
      'INSERT OR REPLACE INTO checkpoint (run_id, step, is_best, bytes, at_ms) VALUES (@runId, @step, @isBest, @bytes, @atMs)',
    ),
    saveSample: db.prepare(
      'INSERT OR REPLACE INTO run_sample (run_id, step, prompt, text, at_ms) VALUES (@runId, @step, @prompt, @text, @atMs)',
    ),
    saveMaskSample: db.prepare(`INSERT OR REPLACE INTO run_mask_sample (run_id, row, tokens, tokens_trained, segments_json, is_cut)
      VALUES (@runId, @row, @tokens, @tokensTrained, @segments, @isCut)`),
    addLog: db.prepare('INSERT INTO run_log (run_id, at_ms, level, source, message) VALUES (@runId, @atMs, @level, @source, @message)'),
  }
}

function prepareReads(db: SqliteDatabase) {
  return {
    listMetrics: db.prepare(`SELECT ${metricColumns} FROM metric WHERE run_id = ? AND step > ? ORDER BY step, kind DESC`),
    listCheckpoints: db.prepare(
      'SELECT step, is_best AS isBest, bytes, at_ms AS atMs FROM checkpoint WHERE run_id = ? AND step > ? ORDER BY step',
    ),
    newestCheckpoint: db.prepare('SELECT max(step) FROM checkpoint WHERE run_id = ? AND step > 0'),
    listSamples: db.prepare('SELECT step, prompt, text, at_ms AS atMs FROM run_sample WHERE run_id = ? ORDER BY step, at_ms, prompt'),
    listMaskSamples: db.prepare(`SELECT row, tokens, tokens_trained AS tokensTrained, segments_json AS segments, is_cut AS isCut
      FROM run_mask_sample WHERE run_id = ? ORDER BY row`),
    memoryPeak: db.prepare('SELECT max(memory_bytes) FROM metric WHERE run_id = ?'),
    lastOf: db.prepare(`SELECT ${metricColumns} FROM metric WHERE run_id = ? AND kind = ? ORDER BY step DESC LIMIT 1`),
    firstOf: db.prepare(`SELECT ${metricColumns} FROM metric WHERE run_id = ? AND kind = ? ORDER BY step LIMIT 1`),
    bestEval: db.prepare("SELECT min(loss) FROM metric WHERE run_id = ? AND kind = 'eval' AND step > 0"),
    lastStepTimes: db.prepare(
      "SELECT step_ms FROM metric WHERE run_id = ? AND kind = 'train' AND step_ms IS NOT NULL ORDER BY step DESC LIMIT 50",
    ),
    // The step before an evaluation ends when the evaluation begins.
    evalTimes:
      db.prepare(`SELECT e.at_ms - t.at_ms FROM metric e JOIN metric t ON t.run_id = e.run_id AND t.kind = 'train' AND t.step = e.step
      WHERE e.run_id = ? AND e.kind = 'eval' AND e.at_ms > t.at_ms ORDER BY e.step DESC LIMIT 10`),
  }
}
