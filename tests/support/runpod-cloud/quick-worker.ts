import { z } from 'zod'
import { trainInputSchema } from '../../../preload/contract/worker.ts'
import type { JobPlatform } from '../../../main/integrations/runpod-protocol/job-platform.ts'
import type { JobRecord } from '../../../main/integrations/runpod-protocol/job-queue.ts'
import type { JobEffect, TrainingPoint } from './faults.ts'
import type { Holds } from './holds.ts'
import { answerSmall, parsed, type QuickGpu } from './quick-files.ts'
import { WorkerKilled, type QuickSession, type QuickShop } from './quick-session.ts'
import { JobRefused, trainRun } from './quick-training.ts'
import type { TrainerEvent } from './run-folder.ts'

const progressEveryMs = 2_000
const snapshotEvents = 64
const smallActionMs = 500
const jobFactsSchema = z.object({ action: z.string().optional().catch(undefined), run_id: z.string().optional().catch(undefined) })

/** What the owner of a scripted worker learns from it. */
interface QuickWorkerEvents {
  onReady(): void
  onLog(line: string): void
}

interface QuickWorkerOptions {
  readonly workerId: string
  readonly platform: JobPlatform
  readonly volumeFolder: string
  readonly gpu: QuickGpu
  readonly shop: QuickShop
  readonly holds: Holds
  readonly echoes: boolean
  /** What goes wrong with a job that has just been taken. */
  strike(job: JobRecord): readonly JobEffect[]
  readonly events: QuickWorkerEvents
}

/** A worker without a process of its own. */
export interface QuickWorker {
  /** Takes jobs until it is told to go or dies. */
  serve(): Promise<void>
  /** Does one given job, as when the platform dispatches it a second time. */
  serveOnce(job: JobRecord): Promise<void>
  isBusy(): boolean
  leave(): void
  kill(): void
}

/** Names what a job is about. */
export function jobFacts(input: unknown): { action: string; runId: string | null } {
  const facts = jobFactsSchema.safeParse(input).data
  return { action: facts?.action ?? 'other', runId: facts?.run_id ?? null }
}

/** Builds a scripted worker that speaks to the platform object as the SDK does over HTTP. */
export function createQuickWorker(options: QuickWorkerOptions): QuickWorker {
  const { workerId, platform, shop, events } = options
  const life = new AbortController()
  const stopping = new Set<string>()
  const mood = { isLeaving: false, handling: 0 }
  let interruptions: (() => void)[] = []
  const interrupt = () => interruptions.splice(0).forEach((wake) => wake())

  const untilInterrupted = (happens: Promise<void>): Promise<void> =>
    new Promise((resolve) => {
      interruptions.push(resolve)
      void happens.then(resolve)
    })
  const work = (ms: number): Promise<void> =>
    new Promise((resolve, reject) => {
      if (life.signal.aborted) return reject(new WorkerKilled())
      const die = () => {
        cancel()
        reject(new WorkerKilled())
      }
      const cancel = shop.clock.work(ms, () => {
        life.signal.removeEventListener('abort', die)
        resolve()
      })
      life.signal.addEventListener('abort', die, { once: true })
    })
  const watchStops = async () => {
    while (!life.signal.aborted) {
      const jobIds = await platform.stops(workerId, life.signal)
      jobIds.forEach((jobId) => stopping.add(jobId))
      if (jobIds.length > 0) interrupt()
    }
  }
  const die = () => {
    if (life.signal.aborted) return
    life.abort(new WorkerKilled())
    interrupt()
  }
  const sessionOf = (job: JobRecord, runId: string | null, effects: readonly JobEffect[]): QuickSession => {
    const find = <K extends JobEffect['kind']>(kind: K) =>
      effects.find((effect): effect is Extract<JobEffect, { kind: K }> => effect.kind === kind)
    const progress = createProgress(runId ?? '', shop.clock.nowMs, (snapshot) => platform.progress(workerId, job.id, snapshot))
    return {
      workerId,
      volumeFolder: options.volumeFolder,
      shop,
      work,
      find,
      log: events.onLog,
      onEvent: progress,
      stop: () => (stopping.has(job.id) && find('ignore_cancel') === undefined ? 'user' : mood.isLeaving ? 'shutdown' : null),
      async until(happens) {
        await untilInterrupted(happens)
        if (life.signal.aborted) throw new WorkerKilled()
      },
      async pass(point) {
        const isHere = (effect: JobEffect) => (effect.kind === 'kill' || effect.kind === 'hold') && effect.at === point
        if (effects.some((effect) => effect.kind === 'hold' && isHere(effect)) || options.holds.wants(runId ?? '', point))
          await hold(job, runId, point, find('ignore_cancel') !== undefined)
        if (effects.some((effect) => effect.kind === 'kill' && isHere(effect))) die()
        if (life.signal.aborted) throw new WorkerKilled()
      },
    }
  }
  const hold = async (job: JobRecord, runId: string | null, point: TrainingPoint, ignoresCancel: boolean) => {
    const released = options.holds.hold({ runId: runId ?? '', jobId: job.id, workerId, at: point })
    const hold = { isReleased: false }
    const freed = released.promise.then(() => void (hold.isReleased = true))
    const goesOn = () => !ignoresCancel || hold.isReleased || life.signal.aborted || mood.isLeaving
    do await untilInterrupted(freed)
    while (!goesOn())
    released.leave()
  }
  const answer = async (job: JobRecord, session: QuickSession): Promise<unknown> => {
    const { action } = jobFacts(job.input)
    if (action === 'train') return trainRun(parsed(trainInputSchema, job.input), job.input, session)
    await work(smallActionMs)
    const answered = answerSmall(action, job.input, options.volumeFolder, options.gpu)
    if (answered !== undefined) return answered
    if (options.echoes) return { echo: job.input }
    throw new JobRefused(`INVALID_INPUT: input.action ${action} is not an action this worker knows. Update the worker.`)
  }
  const handle = async (job: JobRecord) => {
    mood.handling += 1
    await handleOne(job).finally(() => (mood.handling -= 1))
  }
  const handleOne = async (job: JobRecord) => {
    const { action, runId } = jobFacts(job.input)
    const effects = options.strike(job)
    events.onLog(`Started ${action} ${runId ?? job.id}`)
    const session = sessionOf(job, runId, effects)
    try {
      const raised = session.find('raise')
      if (raised !== undefined) return await report(job, { error: raisedError(raised, workerId) })
      const refused = session.find('error_dict')
      if (refused !== undefined) return await report(job, { error: refused.error, output: { worker: workerId } })
      const output = await answer(job, session)
      events.onLog(`Finished ${action} ${runId ?? job.id}`)
      // A cancelled or leaving handler raises, and the SDK posts nothing.
      if (output === null || session.stop() !== null) return
      await report(job, { output })
    } catch (error) {
      if (error instanceof WorkerKilled) return
      if (!(error instanceof JobRefused)) throw error
      await report(job, { error: error.message })
    } finally {
      stopping.delete(job.id)
    }
  }
  const report = (job: JobRecord, result: { output?: unknown; error?: string }) => platform.finish(workerId, job.id, result)

  return {
    async serve() {
      void watchStops()
      while (!mood.isLeaving && !life.signal.aborted) {
        events.onReady()
        const [job] = await platform.take(workerId, 1, life.signal)
        if (job !== undefined) await handle(job)
      }
      life.abort(new WorkerKilled())
    },
    serveOnce: (job) => handle(job),
    isBusy: () => mood.handling > 0,
    leave() {
      mood.isLeaving = true
      interrupt()
      platform.dismiss(workerId)
    },
    kill: die,
  }
}

function raisedError(effect: Extract<JobEffect, { kind: 'raise' }>, workerId: string): string {
  return JSON.stringify({
    error_type: effect.type,
    error_message: effect.message,
    error_traceback: `Traceback (most recent call last):\n  File "handler.py", line 1, in handler\n${effect.message}\n`,
    hostname: 'quick',
    worker_id: workerId,
    runpod_version: '1.12.0',
  })
}

/** Keeps the latest events and shows them at a steady pace, the first and the last at once. */
function createProgress(runId: string, nowMs: () => number, show: (snapshot: unknown) => void): (event: TrainerEvent) => void {
  let latest: TrainerEvent[] = []
  let shownAtMs = Number.NEGATIVE_INFINITY
  return (event) => {
    latest = [...latest, event].slice(-snapshotEvents)
    if (event.kind !== 'finished' && nowMs() - shownAtMs < progressEveryMs) return
    shownAtMs = nowMs()
    show({ v: 1, run_id: runId, attempt: event.attempt, from: latest[0]?.seq ?? 0, to: event.seq, events: latest })
  }
}
