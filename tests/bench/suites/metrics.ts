import { join } from 'node:path'
import type { MetricPoint } from '../../../preload/contract/runs.ts'
import type { WorkerEvent } from '../../../preload/contract/worker-events.ts'
import type { SqliteDatabase } from '../../../main/db/open.ts'
import { createRunEngine } from '../../../main/features/runs/engine.ts'
import { createIngest } from '../../../main/features/runs/ingest.ts'
import { createProgressRepository } from '../../../main/features/runs/progress/repository.ts'
import { createRunRepository } from '../../../main/features/runs/repository.ts'
import { systemClock } from '../../../main/lib/clock.ts'
import type { Benchmark } from '../benchmark.ts'
import { createRunDatabase, insertStartedRun } from '../run-database.ts'
import { createWorkerEvents } from '../worker-log.ts'

const eventCount = 20_000
/** As many lines as the app reads from a volume at a time. */
const linesPerBatch = 1000
const pointCount = 100_000

/** Worker events on their way into the database. */
export const metricsIngest: Benchmark = {
  name: 'metrics.ingest',
  work: 'takes in 20,000 lines of a worker’s log: parsed, checked by schema, each once, run state and newest values kept',
  against: 'prepared `INSERT`s of the same rows, ready made, in the same batches',
  target: 5,
  rounds: 5,
  prepare(folder) {
    const events = createWorkerEvents(3, eventCount)
    const batches = inBatches(events, linesPerBatch)
    const lineBatches = batches.map((batch) => batch.map((event) => JSON.stringify(event)))
    const plain = createRunDatabase(join(folder, 'plain.db'))
    const own = createRunDatabase(join(folder, 'own.db'))
    const writeRows = prepareRows(plain)
    const { takeLines } = createAppIngest(own)
    const wanted = { plainRun: insertStartedRun(plain), ownRun: insertStartedRun(own) }
    return {
      reference: {
        run() {
          for (const batch of batches) writeRows(wanted.plainRun, batch)
          return countRows(plain, wanted.plainRun)
        },
        reset: () => void (wanted.plainRun = replaceRun(plain, wanted.plainRun)),
      },
      tunesmith: {
        run() {
          for (const lines of lineBatches) takeLines(wanted.ownRun, lines)
          return countRows(own, wanted.ownRun)
        },
        reset: () => void (wanted.ownRun = replaceRun(own, wanted.ownRun)),
      },
      close() {
        plain.close()
        own.close()
      },
    }
  },
}

/** The points of a long run on their way to the chart. */
export const metricsRead: Benchmark = {
  name: 'metrics.read',
  work: 'reads the 100,000 points of a run for its chart',
  against: '`SELECT` of all columns, each row mapped to an object',
  target: 2,
  rounds: 5,
  prepare(folder) {
    const database = createRunDatabase(join(folder, 'runs.db'))
    const runId = insertStartedRun(database)
    const writeRows = prepareRows(database)
    const points = createWorkerEvents(5, pointCount * 2).filter(({ kind }) => kind === 'step' || kind === 'eval')
    writeRows(runId, points.slice(0, pointCount))
    const progress = createProgressRepository(database)
    const selectAll = database.prepare('SELECT * FROM metric WHERE run_id = ? ORDER BY step')
    return {
      reference: { run: () => (selectAll.all(runId) as StoredMetric[]).map(toPoint).length },
      tunesmith: { run: () => progress.listPoints(runId, -1).length },
      close: () => void database.close(),
    }
  },
}

interface StoredMetric {
  readonly kind: 'train' | 'eval'
  readonly step: number
  readonly epoch: number
  readonly loss: number
  readonly learning_rate: number | null
  readonly grad_norm: number | null
  readonly tokens_per_s: number | null
  readonly tokens: number | null
  readonly at_ms: number
}

function toPoint(row: StoredMetric): MetricPoint {
  return {
    kind: row.kind,
    step: row.step,
    epoch: row.epoch,
    loss: row.loss,
    learningRate: row.learning_rate,
    gradNorm: row.grad_norm,
    tokensPerSecond: row.tokens_per_s,
    tokens: row.tokens,
    accuracy: null,
    atMs: row.at_ms,
  }
}

function createAppIngest(database: SqliteDatabase) {
  const repository = createRunRepository(database)
  const progress = createProgressRepository(database)
  const events = { publish: () => undefined }
  const engine = createRunEngine({ repository, progress, events, clock: systemClock })
  return createIngest({ repository, progress, engine, events, clock: systemClock })
}

/** Plain inserts of events as rows, one transaction for each call. */
function prepareRows(database: SqliteDatabase): (runId: string, events: readonly WorkerEvent[]) => void {
  const columns = 'run_id, kind, step, epoch, loss, learning_rate, grad_norm, tokens_per_s, tokens, step_ms, memory_bytes, attempt, at_ms'
  const metric = database.prepare(`INSERT INTO metric (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const checkpoint = database.prepare('INSERT INTO checkpoint (run_id, step, is_best, bytes, at_ms) VALUES (?, ?, ?, ?, ?)')
  return database.transaction((runId: string, events: readonly WorkerEvent[]) => {
    for (const event of events) {
      const { attempt, t } = event
      if (event.kind === 'step') {
        const {
          step,
          epoch,
          loss,
          learning_rate: rate,
          grad_norm: norm,
          tokens_per_s: speed,
          tokens,
          step_ms: ms,
          memory_bytes: memory,
        } = event
        metric.run(runId, 'train', step, epoch, loss, rate, norm, speed, tokens, ms, memory, attempt, t)
      } else if (event.kind === 'eval') {
        metric.run(runId, 'eval', event.step, event.epoch, event.eval_loss, null, null, null, null, null, null, attempt, t)
      } else if (event.kind === 'checkpoint') {
        checkpoint.run(runId, event.step, event.best ? 1 : 0, event.bytes, t)
      }
    }
  })
}

function replaceRun(database: SqliteDatabase, runId: string): string {
  database.prepare('DELETE FROM run WHERE id = ?').run(runId)
  return insertStartedRun(database)
}

function countRows(database: SqliteDatabase, runId: string): number {
  const count = 'SELECT (SELECT count(*) FROM metric WHERE run_id = @runId) + (SELECT count(*) FROM checkpoint WHERE run_id = @runId)'
  return Number(database.prepare(count).pluck().get({ runId }))
}

function inBatches<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_unused, index) => items.slice(index * size, (index + 1) * size))
}
