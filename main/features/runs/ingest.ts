import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { MetricPoint, RunLogLine, RunPlan } from '../../../preload/contract/runs.ts'
import { workerEventSchema, type WorkerEvent } from '../../../preload/contract/worker.ts'
import { assertNever } from '../../lib/assert-never.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { RunEngine } from './engine.ts'
import type { CheckpointMark, MetricRow, ProgressRepository } from './progress/repository.ts'
import type { RunRepository } from './repository.ts'
import { stageProgressText } from './stage-words.ts'
import type { MachineEvent } from './state.ts'

/** Takes worker events into the database, each exactly once. */
export interface Ingest {
  /** Lines of the volume's log, which is the whole truth: numbers missing in it do not exist. */
  takeLines(runId: string, lines: readonly string[]): void
  /** Events of a progress snapshot; answers false when events before them are missing and nothing was taken. */
  takeSnapshot(runId: string, events: readonly unknown[]): boolean
}

interface IngestDependencies {
  readonly repository: RunRepository
  readonly progress: ProgressRepository
  readonly engine: RunEngine
  readonly events: EventPublisher
  readonly clock: Clock
}

/** A line that cannot be used, or one of a kind this version does not know. */
type Read = { readonly seq: number | null; readonly event: WorkerEvent | null; readonly warning: string | null }

const envelopeSchema = z.object({ seq: z.int().positive(), kind: z.string() })
const knownKinds: ReadonlySet<string> = new Set(workerEventSchema.options.map((option) => option.shape.kind.value))

/** Builds the ingest; it writes rows, cursor and stage changes of a batch in one transaction. */
export function createIngest({ repository, progress, engine, events, clock }: IngestDependencies): Ingest {
  // A bad last line is read again with every poll; it is worth one warning.
  const warned = new Set<string>()

  const take = (runId: string, reads: readonly Read[]) => {
    const run = repository.find(runId)
    if (run === undefined || run.state.phase === 'ended') return
    const batch = createBatch(run.cursor, run.plan, run.live.stageDetail)
    for (const read of reads) {
      if (read.seq !== null && read.seq <= batch.cursor) continue
      if (read.seq !== null) batch.cursor = read.seq
      if (read.warning !== null) batch.log('warning', read.warning, clock.nowMs())
      if (read.event !== null) applyEvent(batch, read.event)
    }
    if (batch.cursor === run.cursor && batch.lines.length === 0) return
    const written: RunLogLine[] = []
    engine.dispatch(runId, batch.machineEvents, () => {
      if (batch.voidAfterStep !== null) progress.voidAfter(runId, batch.voidAfterStep)
      for (const row of batch.metrics) progress.saveMetric(runId, row)
      for (const mark of batch.checkpoints) progress.saveCheckpoint(runId, mark)
      for (const sample of batch.samples) progress.saveSample(runId, sample)
      for (const line of batch.lines) written.push(progress.addLog(runId, line))
      const live = { head: progress.readHead(runId), stageDetail: batch.stageDetail, evalMs: progress.readEvalMs(runId) }
      repository.saveProgress(runId, { cursor: batch.cursor, live, plan: batch.plan })
      repository.touch(runId, clock.nowMs())
    })
    publish(runId, batch, written)
  }

  const publish = (runId: string, batch: Batch, written: readonly RunLogLine[]) => {
    if (batch.metrics.length > 0 || batch.checkpoints.length > 0 || batch.voidAfterStep !== null) {
      events.publish('runs.progressed', {
        id: runId,
        voidAfterStep: batch.voidAfterStep,
        points: batch.metrics.map(toPoint),
        checkpoints: [...batch.checkpoints],
        cursor: batch.cursor,
      })
    }
    if (written.length > 0) events.publish('runs.logged', { id: runId, lines: [...written] })
    events.publish('runs.changed', { id: runId })
  }

  const isNew = (runId: string, line: string) => {
    const key = `${runId}:${createHash('sha256').update(line).digest('base64')}`
    if (warned.has(key)) return false
    warned.add(key)
    return true
  }

  return {
    takeLines(runId, lines) {
      const reads = lines.map((line) => readLine(line))
      take(
        runId,
        reads.filter((read, index) => read.seq !== null || isNew(runId, lines[index] ?? '')),
      )
    },
    takeSnapshot(runId, values) {
      const cursor = repository.find(runId)?.cursor ?? 0
      const reads = values
        .map(readValue)
        .filter((read) => read.seq !== null && read.seq > cursor)
        .toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
      let expected = cursor + 1
      for (const read of reads) {
        if (read.seq === expected) expected += 1
        else if (read.seq !== expected - 1) return false
      }
      if (reads.length > 0) take(runId, reads)
      return true
    },
  }
}

/** What a batch of events comes to before it is written. */
interface Batch {
  cursor: number
  plan: RunPlan | null
  stageDetail: string | null
  voidAfterStep: number | null
  metrics: MetricRow[]
  checkpoints: CheckpointMark[]
  samples: { step: number; prompt: string; text: string; atMs: number }[]
  readonly lines: Omit<RunLogLine, 'id'>[]
  readonly machineEvents: MachineEvent[]
  log(level: RunLogLine['level'], message: string, atMs: number): void
}

function createBatch(cursor: number, plan: RunPlan | null, stageDetail: string | null): Batch {
  const lines: Omit<RunLogLine, 'id'>[] = []
  return {
    cursor,
    plan,
    stageDetail,
    voidAfterStep: null,
    metrics: [],
    checkpoints: [],
    samples: [],
    lines,
    machineEvents: [],
    log: (level, message, atMs) => void lines.push({ atMs, level, source: 'trainer', message }),
  }
}

function applyEvent(batch: Batch, event: WorkerEvent): void {
  switch (event.kind) {
    case 'stage':
      batch.machineEvents.push({ type: 'worker_stage', stage: event.stage, attempt: event.attempt })
      // Steps tell how far training is; the stage's own count is the one it began with.
      batch.stageDetail = event.stage === 'training' ? null : stageProgressText(event)
      return
    case 'heartbeat':
      batch.machineEvents.push({ type: 'worker_stage', stage: event.stage, attempt: event.attempt })
      return
    case 'resumed':
      return voidAfter(batch, event)
    case 'plan':
      batch.plan = toPlan(event)
      return
    case 'step':
    case 'eval':
      batch.metrics = withoutSame(batch.metrics, event)
      batch.metrics.push(toMetric(event))
      return
    case 'sample':
      batch.samples.push({ step: event.step, prompt: event.prompt, text: event.text, atMs: event.t })
      return
    case 'checkpoint':
      batch.checkpoints.push({ step: event.step, isBest: event.best, bytes: event.bytes, atMs: event.t })
      return
    case 'log':
      return batch.log(event.level, event.message, event.t)
    case 'skipped_step':
      return batch.log('warning', `Step ${event.step} was skipped: ${event.reason}`, event.t)
    case 'stopping':
      batch.machineEvents.push({ type: 'worker_stopping', reason: event.reason })
      return
    case 'finished':
      return batch.log('info', `The trainer has finished: ${event.status}`, event.t)
    default:
      assertNever(event)
  }
}

function voidAfter(batch: Batch, event: Extract<WorkerEvent, { kind: 'resumed' }>): void {
  const { step } = event
  batch.voidAfterStep = batch.voidAfterStep === null ? step : Math.min(batch.voidAfterStep, step)
  batch.metrics = batch.metrics.filter((row) => row.step <= step)
  batch.checkpoints = batch.checkpoints.filter((mark) => mark.step <= step)
  batch.samples = batch.samples.filter((sample) => sample.step <= step)
  batch.machineEvents.push({ type: 'worker_resumed', step, attempt: event.attempt })
}

function withoutSame(rows: MetricRow[], event: { kind: 'step' | 'eval'; step: number }): MetricRow[] {
  const kind = event.kind === 'step' ? 'train' : 'eval'
  const last = rows.at(-1)
  // Steps come in order, so only the end of the list can hold the same one.
  if (last === undefined || last.step < event.step) return rows
  return rows.filter((row) => row.step !== event.step || row.kind !== kind)
}

function toMetric(event: Extract<WorkerEvent, { kind: 'step' | 'eval' }>): MetricRow {
  const base = { step: event.step, epoch: event.epoch, attempt: event.attempt, atMs: event.t }
  if (event.kind === 'eval') {
    const blank = { learningRate: null, gradNorm: null, tokensPerSecond: null, tokens: null, stepMs: null, memoryBytes: null }
    return { ...base, ...blank, kind: 'eval', loss: event.eval_loss }
  }
  return {
    ...base,
    kind: 'train',
    loss: event.loss,
    learningRate: event.learning_rate,
    gradNorm: event.grad_norm,
    tokensPerSecond: event.tokens_per_s,
    tokens: event.tokens,
    stepMs: event.step_ms,
    memoryBytes: event.memory_bytes,
  }
}

function toPoint(row: MetricRow): MetricPoint {
  const { kind, step, epoch, loss, learningRate, gradNorm, tokensPerSecond, tokens, atMs } = row
  return { kind, step, epoch, loss, learningRate, gradNorm, tokensPerSecond, tokens, atMs }
}

function toPlan(event: Extract<WorkerEvent, { kind: 'plan' }>): RunPlan {
  return {
    rowsTrain: event.rows_train,
    rowsEval: event.rows_eval,
    rowsDropped: event.rows_dropped,
    rowsTruncated: event.rows_truncated,
    tokensTotal: event.tokens_total,
    tokensTrained: event.tokens_trained,
    stepsTotal: event.steps_total,
    stepsPerEpoch: event.steps_per_epoch,
    parametersTrainable: event.parameters_trainable,
    parametersTotal: event.parameters_total,
    device: event.device,
    dtype: event.dtype,
  }
}

function readLine(line: string): Read {
  try {
    return readValue(JSON.parse(line))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { seq: null, event: null, warning: `A line of the worker's log could not be read and was left out: ${line.slice(0, 120)}` }
  }
}

function readValue(value: unknown): Read {
  const parsed = workerEventSchema.safeParse(value)
  if (parsed.success) return { seq: parsed.data.seq, event: parsed.data, warning: null }
  const envelope = envelopeSchema.safeParse(value)
  if (!envelope.success) {
    const text = JSON.stringify(value)?.slice(0, 120) ?? 'nothing'
    return { seq: null, event: null, warning: `A line of the worker's log has no number and was left out: ${text}` }
  }
  const { seq, kind } = envelope.data
  // A newer trainer may report more than this app knows; that is no fault.
  if (!knownKinds.has(kind)) return { seq, event: null, warning: null }
  const field = parsed.error.issues[0]?.path.join('.') ?? 'it'
  return { seq, event: null, warning: `Worker event ${seq} (${kind}) was left out: its field ${field} is not valid.` }
}
