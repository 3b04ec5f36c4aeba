import { z } from 'zod'
import type { JobStatus } from '../../../integrations/runpod/job-client.ts'
import type { EndpointConnection } from '../ports.ts'
import { isRescuing } from '../machine-end.ts'
import { closingMicroUsd, isBudgetSpent } from '../money.ts'
import { monthSpentNotice } from '../notices.ts'
import type { RemoteEnd } from '../state.ts'
import { unwatchedEnd } from '../unwatched-end.ts'
import { createLifeSigns, findResult, summarise } from './read-result.ts'
import { createStopWatch } from './stop-watch.ts'
import { createContact, createLastDrain, drainEvents, type Work } from './work.ts'

const localPollMs = 1_000
const runningPollMs = 2_000
const queuedPollMs = 5_000
const cancelAgainMs = 15_000
const drainAgainMs = 10_000
/** The worker reports at least every 10 s; this many missed reports are worth telling. */
const silenceMs = 60_000
/** A job that waits for longer has a reason that can be found out. */
const waitingLongMs = 60_000
const explainAgainMs = 60_000
/** Where every look is a job of its own, it is worth less often. */
const billedLookMs = 120_000
/** One 404 may be a hiccup; the second means that the job is forgotten. */
const notFoundNeeded = 2

/** The outer shape of a progress snapshot; its events are read one by one. */
const snapshotSchema = z.object({ v: z.literal(1), run_id: z.string(), events: z.array(z.unknown()) })

/** Watches a submitted job until the job API closes it: state, progress, gaps, silence, and the wish to stop. */
export async function followJob(work: Work): Promise<void> {
  const contact = createContact(work)
  const watch = createWatch(work)
  while (work.state().phase === 'following') {
    try {
      const connection = await work.connect()
      const { jobId } = work.state()
      const pauseMs = jobId === null ? await watch.lookAtVolume(connection) : await watch.lookAtJob(connection, jobId)
      if (work.state().phase !== 'following') return
      contact.answered(watch.silence())
      await work.wait(pauseMs)
    } catch (problem) {
      await work.wait(contact.failed(problem))
    }
  }
}

function createWatch(work: Work) {
  const { clock, runId } = work
  const isLocal = work.state().facts.endpointKind === 'local'
  const life = createLifeSigns(work)
  const drainLast = createLastDrain(work)
  const stopWatch = createStopWatch(work)
  let cancelledAtMs: number | null = null
  let drainedAtMs = Number.NEGATIVE_INFINITY
  let notFound = 0
  let isInProgress = false
  /** Of this job, waiting or running. */
  let aliveAtMs = work.run().lastSeenAtMs
  let lastCursor = work.run().cursor
  let heardAtMs = clock.nowMs()
  let lookedAtMs = Number.NEGATIVE_INFINITY
  let queuedSinceMs: number | null = null
  let explainedAtMs = Number.NEGATIVE_INFINITY

  const drain = async (connection: EndpointConnection) => {
    drainedAtMs = clock.nowMs()
    await drainEvents(work, connection)
  }
  const endRemotely = (
    how: RemoteEnd,
    { error, executionTimeMs, delayTimeMs }: Partial<JobStatus> = {},
    isWorkerGone: boolean | null = null,
  ) => {
    const executionMs = executionTimeMs === undefined ? null : Math.ceil(executionTimeMs)
    const sighting = {
      seenAtMs: aliveAtMs,
      nowMs: clock.nowMs(),
      executionMs,
      delayMs: delayTimeMs === undefined ? null : Math.ceil(delayTimeMs),
    }
    work.dispatch({
      type: 'remote_ended',
      how,
      error: error ?? null,
      executionMs,
      isWorkerGone,
      ...(isLocal ? {} : unwatchedEnd(work.state(), sighting)),
    })
    return 0
  }
  const cancelWhenAsked = async (connection: EndpointConnection, jobId: string) => {
    if (work.state().stopRequested === null || isRescuing(work.state())) return
    if (cancelledAtMs !== null && clock.nowMs() - cancelledAtMs < cancelAgainMs) return
    cancelledAtMs = clock.nowMs()
    try {
      await connection.jobs.cancel(jobId)
    } catch (problem) {
      // The job may have ended meanwhile: its status tells, and a job that lives on is cancelled again.
      work.log.warning('A job could not be cancelled', { runId, problem })
    }
  }
  /** A late progress update can hide the end of a job for ever, so after a silence the volume is asked; rarely where that costs. */
  const lookBehindSilence = async (connection: EndpointConnection) => {
    const nowMs = clock.nowMs()
    const patienceMs = connection.volume.isBilledPerRead === true ? billedLookMs : silenceMs
    if (nowMs - heardAtMs < patienceMs || nowMs - lookedAtMs < patienceMs) return
    lookedAtMs = nowMs
    const found = await findResult(connection.volume, runId)
    if (found.kind !== 'found') return
    await drainLast(connection)
    work.dispatch({ type: 'result_found', result: summarise(found.result) })
  }
  const takeProgress = async (connection: EndpointConnection, output: unknown) => {
    const snapshot = snapshotSchema.safeParse(output)
    const isOurs = snapshot.success && snapshot.data.run_id === runId
    if (isOurs && work.ingest.takeSnapshot(runId, snapshot.data.events)) return
    // A read that is a job would wait behind the training, or start a second worker that is billed.
    if (connection.volume.isBilledPerRead === true) return
    if (isOurs || isLocal || clock.nowMs() - drainedAtMs >= drainAgainMs) await drain(connection)
  }

  const endWithinBudget = () => {
    const state = work.state()
    if (isLocal || state.stopRequested !== null) return
    const isMonthSpent = () => work.ports.costs.isMonthSpent?.(closingMicroUsd(state)) ?? false
    const isSpent = isBudgetSpent(state, work.run().config, clock.nowMs())
    if (!isSpent && !isMonthSpent()) return
    if (!isSpent) work.ports.notify(monthSpentNotice(work.run()))
    work.dispatch({ type: 'stop_requested', mode: 'keep' })
  }
  const closeJob = async (connection: EndpointConnection, how: RemoteEnd, job: JobStatus) => {
    const isWorkerGone = await stopWatch.isWorkerGone(connection)
    return isWorkerGone === 'wait' ? runningPollMs : endRemotely(how, job, isWorkerGone)
  }
  const explainWaiting = async (connection: EndpointConnection) => {
    queuedSinceMs ??= clock.nowMs()
    const queuedMs = clock.nowMs() - queuedSinceMs
    if (connection.explainWaiting === undefined || queuedMs < waitingLongMs || clock.nowMs() - explainedAtMs < explainAgainMs) return
    explainedAtMs = clock.nowMs()
    const sentence = await connection.explainWaiting(queuedMs)
    if (sentence !== null && work.state().phase === 'following') work.showDetail(sentence)
  }

  return {
    silence(): string | null {
      const { cursor } = work.run()
      if (cursor !== lastCursor || !isInProgress) {
        lastCursor = cursor
        heardAtMs = clock.nowMs()
      }
      if (cursor === 0 || clock.nowMs() - heardAtMs < silenceMs) return null
      return 'The endpoint lists the job as running, but the worker has not reported for over a minute. Asking again every few seconds.'
    },
    async lookAtJob(connection: EndpointConnection, jobId: string): Promise<number> {
      await cancelWhenAsked(connection, jobId)
      await stopWatch.endWorkersWhenAsked(connection)
      const job: JobStatus = await connection.jobs.status(jobId)
      if (work.signal.aborted) throw work.signal.reason
      notFound = job.status === 'NOT_FOUND' ? notFound + 1 : 0
      isInProgress = job.status === 'IN_PROGRESS'
      if (isInProgress || job.status === 'IN_QUEUE') aliveAtMs = clock.nowMs()
      switch (job.status) {
        case 'IN_QUEUE':
          if (work.state().isSeenRunning) work.dispatch({ type: 'job_requeued', retries: job.retries ?? 0 })
          // After a second post an earlier job may be doing the work.
          if (work.state().posts > 1 && connection.volume.isBilledPerRead !== true) await drain(connection)
          await explainWaiting(connection)
          return isLocal ? localPollMs : queuedPollMs
        case 'IN_PROGRESS':
          work.dispatch({ type: 'job_started', workerId: job.workerId ?? null })
          if (job.workerId !== undefined) work.keepWorkerLog(connection, job.workerId)
          if (queuedSinceMs !== null) work.showDetail(null)
          queuedSinceMs = null
          endWithinBudget()
          await takeProgress(connection, job.output)
          await lookBehindSilence(connection)
          return isLocal ? localPollMs : runningPollMs
        case 'NOT_FOUND':
          return notFound >= notFoundNeeded ? endRemotely('NOT_FOUND') : runningPollMs
        case 'COMPLETED':
        case 'FAILED':
        case 'CANCELLED':
        case 'TIMED_OUT':
          return closeJob(connection, job.status, job)
      }
    },
    /** A job whose number was never learnt is followed through what its worker writes. */
    async lookAtVolume(connection: EndpointConnection): Promise<number> {
      const found = await findResult(connection.volume, runId)
      await (found.kind === 'found' ? drainLast(connection) : drain(connection))
      if (found.kind === 'found') {
        work.dispatch({ type: 'result_found', result: summarise(found.result) })
        return 0
      }
      const lease = await connection.volume.findText(`runs/${runId}/lease.json`, 10_000)
      if (life.look(work.state(), lease)) return connection.volume.isBilledPerRead === true ? billedLookMs : queuedPollMs
      const health = await connection.jobs.health()
      const isIdle = health.jobs.inQueue === 0 && health.jobs.inProgress === 0
      return isIdle ? endRemotely('NOT_FOUND') : queuedPollMs
    },
  }
}
