import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { workerResultSchema, type TrainInput, type WorkerResult } from '../../../preload/contract/worker.ts'
import { newestCheckpoint, noProgress, writeCheckpoint, type QuickProgress } from './quick-checkpoints.ts'
import { packAdapter } from './quick-adapter.ts'
import { acquireLease, heartbeatMs, type QuickLease } from './quick-lease.ts'
import { WorkerKilled, type QuickSession } from './quick-session.ts'
import { evalLossAt, planOf, stepEvent, type QuickPlan } from './quick-plan.ts'
import { canonicalJson, openRunFolder, sha256Of, type EventWriter, writeStopMark, type RunFolder } from './run-folder.ts'
import { adapterFilesOf, loraWeights } from './tiny-lora.ts'

/** An input that breaks the contract or contradicts the run: the job itself fails. */
export class JobRefused extends Error {}

type Ending = 'finished' | NonNullable<WorkerResult['ended_by']>
type Failure = WorkerResult['error']

/** Carries out one dispatch of a training as the trainer does; null when it gives no answer. */
export async function trainRun(input: TrainInput, raw: unknown, session: QuickSession): Promise<unknown> {
  const { shop, workerId } = session
  const folder = openRunFolder(session.volumeFolder, input.run_id)
  const config = canonicalJson(raw)
  for (;;) {
    checkConfig(folder, input.run_id, config)
    const isOver = () => readResult(folder) !== null || session.stop() !== null
    const lease = await acquireLease({
      folder,
      workerId,
      clock: shop.clock,
      holders: shop.holders,
      sleep: (ms) => session.work(ms),
      until: (happens) => session.until(happens),
      isOver: session.find('ignore_lease') === undefined ? isOver : () => session.stop() !== null,
      ignoresOthers: session.find('ignore_lease') !== undefined,
    })
    if (lease === null) {
      if (session.stop() === 'user' && readResult(folder) === null) writeStopMark(folder)
      return jobReturn(readResult(folder))
    }
    try {
      if (!folder.has('config.json')) folder.write('config.json', config)
      const attempt = createAttempt(input, sha256Of(config), folder, lease, session)
      await attempt.run()
      lease.release()
      const result = readResult(folder)
      if (result !== null || session.stop() !== null) return jobReturn(result)
    } catch (error) {
      if (error instanceof WorkerKilled) lease.abandon()
      else lease.release()
      if (!(error instanceof LeaseLost)) throw error
    } finally {
      shop.ledger.end(input.run_id, workerId)
    }
  }
}

class LeaseLost extends Error {}

/** One attempt, from its first event to result.json. */
function createAttempt(input: TrainInput, configSha256: string, folder: RunFolder, lease: QuickLease, session: QuickSession) {
  const { clock, ledger, pace } = session.shop
  const log = folder.openEvents(lease.attempt, () => clock.nowMs())
  const plan = planOf(input, pace)
  const base = baseOf(input)
  let progress: QuickProgress = newestCheckpoint(folder) ?? noProgress
  let lastBeatMs = clock.nowMs()
  const emit: EventWriter['emit'] = (kind, fields) => {
    const event = log.emit(kind, fields)
    session.onEvent(event)
    return event
  }
  const work = async (ms: number) => {
    await session.work(ms)
    progress = { ...progress, seconds: progress.seconds + ms / 1000 }
    if (clock.nowMs() - lastBeatMs < heartbeatMs) return
    lastBeatMs = clock.nowMs()
    if (!lease.renew()) throw new LeaseLost('Another worker trains this run')
  }
  const weights = (step: number) => loraWeights(input.run_id, step, input.hyperparameters.lora_r, pace.adapterBytes)
  const save = () => {
    const isBest = progress.best_step === progress.step
    emit('checkpoint', { step: progress.step, bytes: writeCheckpoint(folder, progress, weights(progress.step)), best: isBest })
  }
  const evaluate = () => {
    const loss = evalLossAt(progress.step, plan)
    const isBest = progress.eval_best === null || loss < progress.eval_best
    progress = {
      ...progress,
      eval_base: progress.eval_base ?? loss,
      eval_last: loss,
      ...(isBest ? { eval_best: loss, best_step: progress.step } : {}),
    }
    emit('eval', {
      step: progress.step,
      epoch: progress.step / plan.stepsPerEpoch,
      eval_loss: loss,
      eval_tokens: plan.rowsEval * 40,
      rows: plan.rowsEval,
    })
  }
  const endingNow = (): Ending | null => session.stop() ?? (folder.has('stop.json') ? 'user' : limitReached(input, progress.seconds))

  const train = async (): Promise<Ending> => {
    emit('stage', { stage: 'training', done: progress.step, total: plan.steps, unit: 'steps' })
    while (progress.step < plan.steps) {
      const ending = endingNow()
      if (ending !== null) return ending
      await work(pace.stepMs)
      ledger.step(input.run_id, session.workerId, progress.step + 1)
      const event = stepEvent(progress, plan, input, pace.stepMs)
      emit('step', event)
      progress = {
        ...progress,
        step: event.step,
        tokens: event.tokens,
        label_tokens: event.label_tokens,
        loss_first: progress.loss_first ?? event.loss,
        loss_last: event.loss,
      }
      await session.pass(progress.step)
      const isLast = progress.step === plan.steps
      if (plan.rowsEval > 0 && (isLast || progress.step % plan.evalEvery === 0)) evaluate()
      const isBest = progress.best_step === progress.step
      if (isLast || isBest || progress.step % input.hyperparameters.save_every_steps === 0) save()
    }
    return 'finished'
  }
  const pack = async () => {
    const shippedStep = progress.best_step === null || progress.best_step === 0 ? progress.step : progress.best_step
    emit('stage', { stage: 'saving' })
    await session.pass('saving')
    emit('stage', { stage: 'packaging' })
    const summary = { run_id: input.run_id, steps_done: progress.step, steps_total: plan.steps, shipped_step: shippedStep }
    const files = adapterFilesOf(input, base.id, weights(shippedStep), summary)
    const manifest = packAdapter({ folder, input, files, base, configSha256, nowMs: clock.nowMs() })
    await session.pass('adapter')
    return manifest
  }
  const finish = async (status: WorkerResult['status'], ending: Ending | null, error: Failure, manifestSha256: string | null) => {
    emit('finished', { status })
    const result: WorkerResult = {
      v: 1,
      run_id: input.run_id,
      status,
      attempt: lease.attempt,
      error,
      steps_done: progress.step,
      steps_total: plan.steps,
      loss_first: progress.loss_first,
      loss_last: progress.loss_last,
      eval_loss_base: progress.eval_base,
      eval_loss_best: progress.eval_best,
      eval_loss_last: progress.eval_last,
      best_step: progress.best_step,
      tokens_trained: progress.label_tokens,
      train_seconds: progress.seconds,
      last_seq: log.lastSeq(),
      config_sha256: configSha256,
      dataset_sha256: input.dataset.sha256,
      base_model: { id: base.id, revision: base.revision, resolved: `models/${base.id.replace('/', '--')}`, fingerprint: base.fingerprint },
      manifest_sha256: manifestSha256,
      peak_memory_bytes: 8_000_000_000,
      eval_rows: evalRows(progress, plan),
      rows_truncated: 0,
      rows_dropped: 0,
      ended_by: ending === null || ending === 'finished' ? null : ending,
    }
    folder.write('result.json', JSON.stringify(workerResultSchema.parse(result), null, 1))
    if (manifestSha256 !== null) ledger.finish(input.run_id, session.workerId)
    await session.pass('result')
  }
  const prepare = async () => {
    emit('stage', { stage: 'preparing', detail: 'Checking the training file' })
    const problem = datasetProblem(session.volumeFolder, input)
    if (problem !== null) return problem
    const inner = session.find('inner_failure')
    if (inner !== undefined) return failureOf(inner.code)
    emit('stage', { stage: 'loading_model', detail: 'Loading weights' })
    await work(pace.loadMs)
    emit('plan', plan.event)
    if (progress.step === 0 && plan.rowsEval > 0) {
      emit('stage', { stage: 'evaluating_base', total: plan.rowsEval, done: 0, unit: 'rows' })
      evaluate()
    }
    return null
  }

  return {
    async run(): Promise<void> {
      if (lease.attempt > 1) emit('resumed', { step: progress.step })
      await session.pass('start')
      if (folder.has('stop.json')) {
        emit('stopping', { reason: 'user' })
        return finish('stopped', 'user', null, progress.step > 0 ? await pack() : null)
      }
      const problem = await prepare()
      if (problem !== null) return finish('failed', null, problem, null)
      const ending = await train()
      if (ending !== 'finished') emit('stopping', { reason: ending })
      if (ending !== 'finished' && progress.step > 0) save()
      if (ending === 'shutdown') return
      if (ending === 'user') writeStopMark(folder)
      const manifest = progress.step > 0 ? await pack() : null
      const isLimit = ending === 'time_limit' || ending === 'cost_limit'
      const status = ending === 'finished' ? 'completed' : isLimit && manifest === null ? 'failed' : 'stopped'
      return finish(status, ending, limitFailure(ending, progress.step), manifest)
    },
  }
}

function checkConfig(folder: RunFolder, runId: string, config: string): void {
  const frozen = folder.readText('config.json')
  if (frozen === undefined || frozen === config) return
  throw new JobRefused(`CONFIG_MISMATCH: Run ${runId} was started before with other settings. Start a new run for the new settings.`)
}

function readResult(folder: RunFolder): WorkerResult | null {
  return workerResultSchema.safeParse(folder.readJson('result.json')).data ?? null
}

function jobReturn(result: WorkerResult | null): unknown {
  if (result === null) return null
  const { run_id: runId, status, manifest_sha256: manifest, error } = result
  return {
    v: 1,
    run_id: runId,
    status,
    manifest_key: manifest === null ? null : `runs/${runId}/manifest.json`,
    manifest_sha256: manifest,
    result_key: `runs/${runId}/result.json`,
    failure: error,
  }
}

function datasetProblem(volumeFolder: string, { dataset }: TrainInput): Failure {
  const path = join(volumeFolder, ...dataset.key.split('/'))
  const isRight = existsSync(path) && statSync(path).size === dataset.bytes && sha256Of(readFileSync(path)) === dataset.sha256
  if (isRight) return null
  return { code: 'DATASET_MISMATCH', message: 'The training file on the volume is not the one that was sent.', advice: 'Send it again.' }
}

function limitReached({ limits }: TrainInput, seconds: number): Ending | null {
  const spent = (seconds * (limits.price_micro_usd_per_hour ?? 0)) / 3600
  if (limits.max_cost_micro_usd !== null && spent >= limits.max_cost_micro_usd) return 'cost_limit'
  return limits.max_seconds !== null && seconds >= limits.max_seconds ? 'time_limit' : null
}

function limitFailure(ending: Ending, step: number): Failure {
  if (ending !== 'time_limit' && ending !== 'cost_limit') return null
  const code = ending === 'time_limit' ? 'TIME_LIMIT' : 'COST_LIMIT'
  return { code, message: `The limit ended the run after step ${step}.`, advice: 'The adapter trained so far is kept.' }
}

function failureOf(code: string): Failure {
  const known = workerResultSchema.shape.error.safeParse({ code, message: `The training failed: ${code}.`, advice: 'Change the settings.' })
  return known.data ?? { code: 'INTERNAL', message: code, advice: 'Start the run again.' }
}

function baseOf({ base_model: base }: TrainInput) {
  const id = base.kind === 'huggingface' ? base.id : base.path
  const revision = base.kind === 'huggingface' ? (base.revision ?? 'main') : null
  return { id, revision, fingerprint: sha256Of(`${id}@${revision ?? ''}`) }
}

function evalRows(progress: QuickProgress, plan: QuickPlan): WorkerResult['eval_rows'] {
  const { eval_base: base, eval_best: best } = progress
  if (base === null || best === null) return null
  return Array.from({ length: plan.rowsEval }, (_, row) => [base + (row % 5) / 50, best + (row % 3) / 50, 20])
}
