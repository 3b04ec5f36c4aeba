import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { CloudClock } from './cloud-clock.ts'
import type { RunFolder } from './run-folder.ts'

const staleMs = 60_000
const pollMs = 5_000
/** How often a holder shows that it lives. */
export const heartbeatMs = 5_000
const recordSchema = z.object({ attempt: z.int(), beat: z.int(), nonce: z.string(), released: z.boolean() })

/** The holders that live in this cloud, so that waiting for one takes no time of its own. */
export interface LiveHolders {
  add(nonce: string): void
  remove(nonce: string): void
  has(nonce: string): boolean
  next(): Promise<void>
}

/** Builds the list of living holders. */
export function createLiveHolders(): LiveHolders {
  const living = new Set<string>()
  let waiting: (() => void)[] = []
  return {
    add: (nonce) => void living.add(nonce),
    remove(nonce) {
      living.delete(nonce)
      waiting.splice(0).forEach((wake) => wake())
    },
    has: (nonce) => living.has(nonce),
    next: () => new Promise((resolve) => void (waiting = [...waiting, resolve])),
  }
}

/** The right to train a run, as one of the trainer's attempts holds it. */
export interface QuickLease {
  readonly attempt: number
  /** Shows that the holder lives; false when a later attempt has begun. */
  renew(): boolean
  release(): void
  /** The holder is gone without a word. */
  abandon(): void
}

interface Waiting {
  readonly folder: RunFolder
  readonly workerId: string
  readonly clock: CloudClock
  readonly holders: LiveHolders
  /** A wait that ends early when the worker dies or is stopped. */
  sleep(ms: number): Promise<void>
  /** The same, for something that happens in this cloud. */
  until(happens: Promise<void>): Promise<void>
  /** True when there is nothing left to wait for. */
  isOver(): boolean
  readonly ignoresOthers: boolean
}

/** Takes the lease as soon as it is free or its holder's heartbeat has stood still for a minute. */
export async function acquireLease(waiting: Waiting): Promise<QuickLease | null> {
  const { folder, clock, holders } = waiting
  let seen: { text: string; sinceMs: number } | null = null
  while (!waiting.isOver()) {
    const newest = folder.newestAttempt()
    const text = folder.readText('lease.json') ?? ''
    const record = recordSchema.safeParse(folder.readJson('lease.json')).data
    if (seen?.text !== `${newest}${text}`) seen = { text: `${newest}${text}`, sinceMs: clock.nowMs() }
    const isFree = newest === 0 || (record?.attempt === newest && record.released) || clock.nowMs() - seen.sinceMs >= staleMs
    if (isFree || waiting.ignoresOthers) {
      const lease = claim(waiting, newest + 1)
      if (lease !== null) return lease
    } else if (record !== undefined && holders.has(record.nonce)) await waiting.until(holders.next())
    else await waiting.sleep(pollMs)
  }
  return null
}

function claim({ folder, workerId, clock, holders, ignoresOthers }: Waiting, attempt: number): QuickLease | null {
  const nonce = randomUUID().replaceAll('-', '')
  const record = { workerId, attempt, heartbeatMs: clock.nowMs(), beat: 0, nonce, released: false }
  if (!folder.claimAttempt(attempt, JSON.stringify(record))) return null
  holders.add(nonce)
  const renew = () => {
    if (folder.newestAttempt() !== attempt && !ignoresOthers) return false
    record.beat += 1
    record.heartbeatMs = clock.nowMs()
    folder.write('lease.json', JSON.stringify(record))
    return true
  }
  renew()
  return {
    attempt,
    renew,
    release() {
      record.released = true
      renew()
      holders.remove(nonce)
    },
    abandon: () => holders.remove(nonce),
  }
}
