import type { Clock } from '../../../main/lib/clock.ts'
import type { EventBody, FakeEndpoint, FakeJob } from './fake-endpoint.ts'

interface WorkerOptions {
  readonly steps?: number
  readonly tickMs?: number
}

/** One worker that takes jobs in order and trains them by the clock: resumes by run id, stops when cancelled. */
export function createFakeWorker(endpoint: FakeEndpoint, clock: Clock, { steps = 6, tickMs = 700 }: WorkerOptions = {}) {
  let job: FakeJob | null = null
  let script: EventBody[] = []
  let attempt = 0
  let isRunning = true
  /** How often each run was trained to its end. */
  const trainings = new Map<string, number>()

  const take = () => {
    const next = [...endpoint.jobs.values()].find((candidate) => candidate.status === 'IN_QUEUE')
    if (next === undefined) return
    next.status = 'IN_PROGRESS'
    job = next
    const runId = next.input.run_id
    if (endpoint.hasResult(runId)) return finish('COMPLETED')
    const done = stepsLogged(endpoint, runId)
    attempt = attemptsLogged(endpoint, runId) + 1
    // A checkpoint every second step: what came after it is done again.
    script = trainingScript(steps, attempt === 1 ? 0 : done - (done % 2), attempt > 1)
  }
  const finish = (status: 'COMPLETED' | 'CANCELLED') => {
    if (job !== null) job.status = status
    job = null
    script = []
  }
  const end = (ended: FakeJob, result: 'completed' | 'stopped') => {
    const runId = ended.input.run_id
    const stepsDone = stepsLogged(endpoint, runId)
    trainings.set(runId, (trainings.get(runId) ?? 0) + 1)
    const lastSeq = endpoint.linesOf(runId).length
    endpoint.writeResult(ended, { status: result, attempt, steps_done: stepsDone, steps_total: steps, last_seq: lastSeq })
    finish(ended.status === 'CANCELLED' ? 'CANCELLED' : 'COMPLETED')
  }
  const work = () => {
    if (job === null) return take()
    endpoint.beat(job.input.run_id)
    if (job.status === 'CANCELLED' && script[0]?.kind !== 'saving_after_stop') {
      endpoint.emit(job, attempt, { kind: 'stopping', reason: 'user' })
      script = [{ kind: 'saving_after_stop' }]
      return
    }
    const next = script.shift()
    if (next === undefined) return end(job, 'completed')
    if (next.kind === 'saving_after_stop') return end(job, 'stopped')
    endpoint.emit(job, attempt, next)
  }
  const tick = () => {
    if (!isRunning) return
    work()
    clock.after(tickMs, tick)
  }
  clock.after(tickMs, tick)

  return {
    trainings,
    stop: () => void (isRunning = false),
    /** The worker process dies: the platform puts its job back. */
    die() {
      if (job?.status === 'IN_PROGRESS') {
        job.status = 'IN_QUEUE'
        job.retries += 1
        delete job.output
      }
      job = null
      script = []
    },
  }
}

function trainingScript(steps: number, fromStep: number, isResumed: boolean): EventBody[] {
  const script: EventBody[] = [
    { kind: 'stage', stage: 'preparing' },
    { kind: 'stage', stage: 'loading_model', done: 50, total: 100, unit: 'bytes' },
    planBody(steps),
  ]
  if (isResumed) script.push({ kind: 'resumed', step: fromStep })
  else script.push({ kind: 'stage', stage: 'evaluating_base' }, evalBody(0))
  script.push({ kind: 'stage', stage: 'training' })
  for (let step = fromStep + 1; step <= steps; step += 1) {
    script.push(stepBody(step))
    if (step % 2 === 0) script.push({ kind: 'checkpoint', step, bytes: 1000, best: true })
  }
  script.push(
    evalBody(steps),
    { kind: 'stage', stage: 'saving' },
    { kind: 'stage', stage: 'packaging' },
    { kind: 'finished', status: 'completed' },
  )
  return script
}

export function stepBody(step: number, loss = 3 - step * 0.1): EventBody {
  return {
    kind: 'step',
    step,
    epoch: step / 10,
    loss,
    learning_rate: 2e-4,
    grad_norm: 1,
    tokens: step * 1000,
    label_tokens: 500,
    tokens_per_s: 900,
    step_ms: 1100,
    memory_bytes: 1_000_000,
  }
}

export function evalBody(step: number, loss = 3 - step * 0.1): EventBody {
  return { kind: 'eval', step, epoch: step / 10, eval_loss: loss, eval_tokens: 900, rows: 30, accuracy: 0.5 }
}

export function planBody(steps: number): EventBody {
  return {
    kind: 'plan',
    rows_train: 270,
    rows_eval: 30,
    rows_dropped: 0,
    rows_truncated: 0,
    tokens_total: 60_000,
    tokens_trained: 40_000,
    steps_total: steps,
    steps_per_epoch: steps,
    parameters_trainable: 100,
    parameters_total: 1000,
    device: 'cpu',
    dtype: 'float32',
  }
}

function parsedLines(endpoint: FakeEndpoint, runId: string): { kind: string; step?: number; attempt: number }[] {
  return endpoint.linesOf(runId).map((line) => JSON.parse(line) as { kind: string; step?: number; attempt: number })
}

function stepsLogged(endpoint: FakeEndpoint, runId: string): number {
  return parsedLines(endpoint, runId).reduce(
    (step, line) => (line.kind === 'step' || line.kind === 'resumed' ? (line.step ?? step) : step),
    0,
  )
}

function attemptsLogged(endpoint: FakeEndpoint, runId: string): number {
  return Math.max(0, ...parsedLines(endpoint, runId).map((line) => line.attempt))
}
