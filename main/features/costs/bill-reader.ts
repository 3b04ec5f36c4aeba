import { AppError } from '../../../preload/contract/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { BillRepository, StoredBillCheck } from './bill-repository.ts'
import type { BillSource } from './ports.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** How far back the first reading goes: this month and a little more. */
const firstReachMs = 35 * dayMs
/** Lines of the last days may still change. */
const overlapMs = 3 * dayMs
const firstLookMs = 20_000
const lookAgainMs = 5 * minuteMs
const afterRunMs = 2 * minuteMs
/** The bill of a run that has just ended comes late, so it is asked for more often. */
const freshMs = 15 * minuteMs
const freshForMs = dayMs
const usualMs = 6 * hourMs
/** A key without the right to read bills gets it rarely; the button asks at once. */
const refusedMs = dayMs

interface BillReaderDependencies {
  readonly repository: BillRepository
  /** Everything a bill can be read for now. */
  readonly sources: () => Promise<readonly BillSource[]>
  readonly clock: Clock
  readonly log: Log
  readonly onRead: () => void
}

/** Keeps RunPod's bill up to date while the app is open. */
export interface BillReader {
  start(): void
  /** Reads everything now; what cannot be read is kept as a problem of that source. */
  readNow(): Promise<void>
  /** A run has ended: its bill is worth asking for soon. */
  expectMore(): void
  dispose(): void
}

/** Builds the reader; nothing is asked before `start` or `readNow`. */
export function createBillReader(dependencies: BillReaderDependencies): BillReader {
  const { repository, clock, log } = dependencies
  let cancelTimer: (() => void) | null = null
  let isDisposed = false
  let running: Promise<void> | null = null
  let lastRunEndedAtMs = Number.NEGATIVE_INFINITY

  const schedule = (delayMs: number) => {
    cancelTimer?.()
    cancelTimer = isDisposed
      ? null
      : clock.after(delayMs, () => {
          readSome(false)
            .catch((error: unknown) => log.error("RunPod's bill could not be looked at", error))
            .finally(() => schedule(lookAgainMs))
        })
  }
  const isDue = (check: StoredBillCheck | undefined): boolean => {
    if (check === undefined) return true
    const ageMs = clock.nowMs() - check.triedAtMs
    if (check.problem?.code === 'ENDPOINT_REFUSED' || check.problem?.code === 'ENDPOINT_NOT_FOUND') return ageMs >= refusedMs
    if (lastRunEndedAtMs > check.triedAtMs) return true
    return ageMs >= (clock.nowMs() - lastRunEndedAtMs < freshForMs ? freshMs : usualMs)
  }
  const readOne = async (source: BillSource, check: StoredBillCheck | undefined) => {
    const { subject, remoteId, name } = source
    const nowMs = clock.nowMs()
    const readAtMs = check?.readAtMs ?? null
    try {
      const asked = { fromMs: readAtMs === null ? nowMs - firstReachMs : readAtMs - overlapMs, toMs: nowMs }
      const lines = await source.read(asked)
      if (isDisposed) return
      repository.saveRead(
        { subject, remoteId, name },
        lines.filter(({ fromMs, toMs }) => toMs > fromMs),
        asked,
      )
    } catch (problem) {
      if (!(problem instanceof AppError)) throw problem
      log.info("RunPod's bill could not be read", { subject, code: problem.code })
      if (!isDisposed) repository.saveProblem({ subject, remoteId, name }, { code: problem.code, message: problem.message }, nowMs)
    }
  }
  const readAll = async (isEverything: boolean) => {
    const checks = new Map(repository.listChecks().map((check) => [`${check.subject}/${check.remoteId}`, check]))
    let hasRead = false
    for (const source of await dependencies.sources()) {
      const check = checks.get(`${source.subject}/${source.remoteId}`)
      if (isDisposed || (!isEverything && !isDue(check))) continue
      await readOne(source, check)
      hasRead = true
    }
    if (hasRead && !isDisposed) dependencies.onRead()
  }
  const readSome = (isEverything: boolean): Promise<void> => {
    running ??= readAll(isEverything).finally(() => void (running = null))
    return running
  }

  return {
    start: () => schedule(firstLookMs),
    async readNow() {
      // A look that is on its way may skip what is not due.
      await running?.catch(() => undefined)
      await readSome(true)
    },
    expectMore() {
      lastRunEndedAtMs = clock.nowMs()
      schedule(afterRunMs)
    },
    dispose() {
      isDisposed = true
      cancelTimer?.()
    },
  }
}
