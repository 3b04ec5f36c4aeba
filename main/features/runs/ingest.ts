import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { RunLogLine } from '../../../preload/contract/runs.ts'
import { workerEventSchema, type WorkerEvent } from '../../../preload/contract/worker-events.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { RunEngine } from './engine.ts'
import { applyEvent, createBatch, type Batch } from './ingest-batch.ts'
import { toPoint, type ProgressRepository } from './progress/repository.ts'
import type { RunRepository } from './repository.ts'

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
    const batch = createBatch(run)
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
      for (const sample of batch.maskSamples) progress.saveMaskSample(runId, sample)
      for (const line of batch.lines) written.push(progress.addLog(runId, line))
      const live = {
        head: progress.readHead(runId),
        stageDetail: batch.stageDetail,
        evalMs: progress.readEvalMs(runId),
        savedStep: progress.readSavedStep(runId),
      }
      repository.saveProgress(runId, { cursor: batch.cursor, live, plan: batch.plan, memoryPlan: batch.memoryPlan })
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
