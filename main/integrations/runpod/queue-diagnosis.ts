import type { RemoteWorker } from './control-replies.ts'
import type { EndpointHealth } from './job-client.ts'
import { signsOf, tellingLines, type LogSigns } from './log-lines.ts'
import type { WorkerLogLine } from './worker-logs.ts'

/** Why a job waits. */
type QueueCause = 'crash_loop' | 'no_capacity' | 'max_zero' | 'throttled' | 'pulling_image' | 'starting' | 'busy' | 'unknown'

/** Why a job waits, in words, with the next action and the worker's own lines. */
export interface QueueDiagnosis {
  readonly cause: QueueCause
  readonly sentence: string
  readonly advice: string
  readonly lines: readonly string[]
}

/** What is known about the endpoint of a waiting job; null for what could not be asked. */
export interface QueueFacts {
  readonly queuedMs: number
  readonly health: EndpointHealth | null
  readonly workers: readonly Pick<RemoteWorker, 'status'>[] | null
  readonly workersMax: number | null
  /** The newest lines of a worker that does not work, oldest first. */
  readonly logTail?: readonly WorkerLogLine[]
}

type Counts = Record<'running' | 'idle' | 'initializing' | 'throttled' | 'unhealthy' | 'unknown', number>
type Verdict = Omit<QueueDiagnosis, 'lines'>

const minuteMs = 60_000
/** A worker that is being prepared for so long is usually stuck. */
const stuckAfterMs = 30 * minuteMs

/** Says why a job is still waiting: the platform itself shows a crashing worker as a lack of GPUs. */
export function diagnoseQueue(facts: QueueFacts): QueueDiagnosis {
  const { logTail = [] } = facts
  return { ...judge(facts, signsOf(logTail)), lines: tellingLines(logTail) }
}

function judge(facts: QueueFacts, signs: LogSigns): Verdict {
  const counts = countsOf(facts)
  if (facts.workersMax === 0) return maxZero()
  if (counts === null) return unknown()
  const able = counts.running + counts.idle
  if (able === 0 && signs.isImageRefused) return imageRefused()
  if (able === 0 && (counts.unhealthy > 0 || (counts.initializing > 0 && (signs.hasCrash || signs.isRestarting)))) return crashing(signs)
  if (counts.idle > 0) return notTaken(facts.queuedMs)
  if (counts.running > 0) return busy(counts.running)
  if (counts.initializing > 0) return preparing(facts.queuedMs, signs)
  if (counts.throttled > 0) return throttled()
  if (counts.unknown > 0) return unknown()
  return noWorker(facts)
}

function maxZero(): Verdict {
  return {
    cause: 'max_zero',
    sentence: 'No job can start, because max workers of the endpoint is 0. RunPod sets it to 0 when an endpoint was idle for a week.',
    advice: 'Set max workers to 1 or more.',
  }
}

function imageRefused(): Verdict {
  return {
    cause: 'crash_loop',
    sentence: 'The worker cannot start, because its image cannot be fetched.',
    advice: 'Check the name and tag of the image and, for a private one, its registry login. Cancel the job meanwhile.',
  }
}

function crashing(signs: LogSigns): Verdict {
  if (signs.isOutOfSpace) {
    return {
      cause: 'crash_loop',
      sentence: 'The worker ends again and again before it can take the job: a disk is full.',
      advice: 'Cancel the job, then give the endpoint a larger container disk or free space on the network volume.',
    }
  }
  return {
    cause: 'crash_loop',
    sentence: 'The worker starts and ends again before it can take the job.',
    advice: 'Cancel the job so that nothing is charged, read the lines below, and update or set up the worker again.',
  }
}

function notTaken(queuedMs: number): Verdict {
  if (queuedMs < 2 * minuteMs)
    return { cause: 'starting', sentence: 'A worker is ready and should take the job in a moment.', advice: 'Nothing is to be done.' }
  return {
    cause: 'unknown',
    sentence: `A worker is ready but has not taken the job for ${minutesText(queuedMs)}.`,
    advice: 'Cancel the job and start it again. If that does not help, update the worker of this endpoint.',
  }
}

function busy(running: number): Verdict {
  return {
    cause: 'busy',
    sentence: `${running === 1 ? 'The only worker works' : `All ${running} workers work`} on other jobs.`,
    advice: 'The job starts when one of them ends. To start it now, raise max workers of the endpoint.',
  }
}

function preparing(queuedMs: number, signs: LogSigns): Verdict {
  const isStuck = queuedMs >= stuckAfterMs
  const stuckAdvice = 'This takes longer than usual. Cancel the job and start it again with other GPU types or in another data centre.'
  if (signs.isPulling || !signs.hasProgramLines) {
    return {
      cause: 'pulling_image',
      sentence: `A worker is being prepared for ${minutesText(queuedMs)}; most of that is fetching its image.`,
      advice: isStuck
        ? stuckAdvice
        : 'The first start on a machine can take over 20 minutes, later ones are faster. Nothing is to be done.',
    }
  }
  return {
    cause: 'starting',
    sentence: `A worker has its image and is starting; the job waits for ${minutesText(queuedMs)}.`,
    advice: isStuck ? stuckAdvice : 'Nothing is to be done.',
  }
}

function throttled(): Verdict {
  return {
    cause: 'throttled',
    sentence: 'The GPUs of this endpoint are all taken in its data centre right now.',
    advice: 'Wait, or allow further GPU types. A volume ties the endpoint to its data centre; another one needs a new volume.',
  }
}

function noWorker({ workersMax, queuedMs }: QueueFacts): Verdict {
  const maxHint = workersMax === null ? ' Check in the RunPod console too that max workers is at least 1.' : ''
  return {
    cause: 'no_capacity',
    sentence: `No worker was started for ${minutesText(queuedMs)}: no GPU that the endpoint allows is free where it may run.`,
    advice: `Allow further GPU types or data centres, or try later. A job that waits costs nothing.${maxHint}`,
  }
}

function unknown(): Verdict {
  return {
    cause: 'unknown',
    sentence: 'The job waits, and the state of its workers is not known.',
    advice: "Give the key access to the endpoint's settings, or look at its workers in the RunPod console.",
  }
}

/** The list of workers is preferred; the counts of the job API know no more than how many there are. */
function countsOf({ workers, health }: QueueFacts): Counts | null {
  if (workers === null && health === null) return null
  const counts: Counts = { running: 0, idle: 0, initializing: 0, throttled: 0, unhealthy: 0, unknown: 0 }
  for (const worker of workers ?? []) counts[worker.status] += 1
  if ((workers ?? []).length > 0 || health === null) return counts
  const { idle, initializing, ready, running, throttled, unhealthy } = health.workers
  // Whether `ready` includes those that run or idle is not documented; it counts only when it stands alone.
  return { running, idle: running + idle === 0 ? ready : idle, initializing, throttled, unhealthy, unknown: 0 }
}

function minutesText(durationMs: number): string {
  const minutes = Math.max(1, Math.round(durationMs / minuteMs))
  return minutes === 1 ? 'a minute' : `${minutes} minutes`
}
