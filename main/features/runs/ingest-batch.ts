import type { RunLogLine, RunMaskSample, RunMemoryPlan, RunPlan, RunSample } from '../../../preload/contract/runs.ts'
import type { WorkerEvent } from '../../../preload/contract/worker-events.ts'
import { assertNever } from '../../lib/assert-never.ts'
import { redactText } from '../../lib/redaction.ts'
import type { CheckpointMark, MetricRow } from './progress/repository.ts'
import type { StoredRun } from './repository.ts'
import { bytesText, stageProgressText } from './stage-words.ts'
import type { MachineEvent } from './state.ts'

type EventOf<K extends WorkerEvent['kind']> = Extract<WorkerEvent, { kind: K }>

/** What a batch of events comes to before it is written. */
export interface Batch {
  cursor: number
  plan: RunPlan | null
  memoryPlan: RunMemoryPlan | null
  stageDetail: string | null
  voidAfterStep: number | null
  metrics: MetricRow[]
  checkpoints: CheckpointMark[]
  samples: RunSample[]
  readonly maskSamples: RunMaskSample[]
  readonly lines: Omit<RunLogLine, 'id'>[]
  readonly machineEvents: MachineEvent[]
  log(level: RunLogLine['level'], message: string, atMs: number): void
}

/** A batch that goes on from what is stored. */
export function createBatch({ cursor, plan, memoryPlan, live }: Pick<StoredRun, 'cursor' | 'plan' | 'memoryPlan' | 'live'>): Batch {
  const lines: Omit<RunLogLine, 'id'>[] = []
  return {
    cursor,
    plan,
    memoryPlan,
    stageDetail: live.stageDetail,
    voidAfterStep: null,
    metrics: [],
    checkpoints: [],
    samples: [],
    maskSamples: [],
    lines,
    machineEvents: [],
    log: (level, message, atMs) => void lines.push({ atMs, level, source: 'trainer', message: redactText(message) }),
  }
}

/** Takes one event into the batch. */
export function applyEvent(batch: Batch, event: WorkerEvent): void {
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
      voidAfter(batch, event.step)
      batch.machineEvents.push({ type: 'worker_resumed', step: event.step, attempt: event.attempt })
      return
    case 'rolled_back':
      voidAfter(batch, event.step)
      return batch.log('warning', rollBackText(event), event.t)
    case 'memory_plan':
      batch.memoryPlan = toMemoryPlan(event)
      return batch.log(isShort(event) ? 'warning' : 'info', memoryText(event), event.t)
    case 'mask_sample':
      batch.maskSamples.push(toMaskSample(event))
      return
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

/** Everything after `step` is trained once more, so it is not kept. */
function voidAfter(batch: Batch, step: number): void {
  batch.voidAfterStep = batch.voidAfterStep === null ? step : Math.min(batch.voidAfterStep, step)
  batch.metrics = batch.metrics.filter((row) => row.step <= step)
  batch.checkpoints = batch.checkpoints.filter((mark) => mark.step <= step)
  batch.samples = batch.samples.filter((sample) => sample.step <= step)
}

function rollBackText({ step, learning_rate_factor: factor }: EventOf<'rolled_back'>): string {
  const rate = factor === 0.5 ? 'half the learning rate' : `${Number(factor.toPrecision(3))} times the learning rate`
  return `Three steps in a row had no usable loss. Training went back to its checkpoint at step ${step} and goes on with ${rate}.`
}

function isShort({ total_bytes: needed, available_bytes: available }: EventOf<'memory_plan'>): boolean {
  return available !== null && needed > available
}

function memoryText(event: EventOf<'memory_plan'>): string {
  const available = event.available_bytes === null ? '' : `, ${bytesText(event.available_bytes)} available`
  return `Memory: about ${bytesText(event.total_bytes)} needed${available}`
}

function withoutSame(rows: MetricRow[], event: { kind: 'step' | 'eval'; step: number }): MetricRow[] {
  const kind = event.kind === 'step' ? 'train' : 'eval'
  const last = rows.at(-1)
  // Steps come in order, so only the end of the list can hold the same one.
  if (last === undefined || last.step < event.step) return rows
  return rows.filter((row) => row.step !== event.step || row.kind !== kind)
}

function toMetric(event: EventOf<'step' | 'eval'>): MetricRow {
  const base = { step: event.step, epoch: event.epoch, attempt: event.attempt, atMs: event.t }
  if (event.kind === 'eval') {
    const blank = { learningRate: null, gradNorm: null, tokensPerSecond: null, tokens: null, stepMs: null, memoryBytes: null }
    return { ...base, ...blank, kind: 'eval', loss: event.eval_loss, accuracy: event.accuracy ?? null }
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
    accuracy: null,
  }
}

function toPlan(event: EventOf<'plan'>): RunPlan {
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
    processes: event.processes ?? null,
    packing: event.packing ?? null,
    targets: event.targets ?? [],
  }
}

function toMemoryPlan(event: EventOf<'memory_plan'>): RunMemoryPlan {
  return {
    weightsBytes: event.weights_bytes,
    adapterBytes: event.adapter_bytes,
    optimizerBytes: event.optimizer_bytes,
    activationsBytes: event.activations_bytes,
    totalBytes: event.total_bytes,
    availableBytes: event.available_bytes,
    quantization: event.quantization,
  }
}

function toMaskSample(event: EventOf<'mask_sample'>): RunMaskSample {
  const segments = event.segments.map(({ text, is_trained: isTrained }) => ({ text, isTrained }))
  return { row: event.row, tokens: event.tokens, tokensTrained: event.tokens_trained, segments, isCut: event.is_cut }
}
