import type { TrainingPoint } from './faults.ts'

/** A scripted worker that waits at a point of its training. */
export interface Held {
  readonly runId: string
  readonly jobId: string
  readonly workerId: string
  readonly at: TrainingPoint
}

/** Where scripted workers are to wait, and who waits. */
export interface Holds {
  /** Holds the next worker that comes to a point of a run (`*`: of any run). */
  add(runId: string, at: TrainingPoint): void
  wants(runId: string, at: TrainingPoint): boolean
  hold(held: Held): { promise: Promise<void>; leave(): void }
  list(): readonly Held[]
  release(runId?: string): number
  /** Resolves when somebody waits there. */
  whenHeld(runId: string): Promise<Held>
}

/** Builds the list; it lives as long as the process, as the workers do. */
export function createHolds(): Holds {
  const wanted: { runId: string; at: TrainingPoint }[] = []
  const held = new Map<Held, () => void>()
  let watchers: { runId: string; tell(held: Held): void }[] = []
  const isAbout = (pattern: string, runId: string) => pattern === '*' || pattern === runId
  return {
    add: (runId, at) => void wanted.push({ runId, at }),
    wants(runId, at) {
      const index = wanted.findIndex((wish) => isAbout(wish.runId, runId) && wish.at === at)
      if (index === -1) return false
      wanted.splice(index, 1)
      return true
    },
    hold(who) {
      const promise = new Promise<void>((resolve) => void held.set(who, resolve))
      const told = watchers.filter((watcher) => isAbout(watcher.runId, who.runId))
      watchers = watchers.filter((watcher) => !told.includes(watcher))
      told.forEach((watcher) => watcher.tell(who))
      return { promise, leave: () => void held.delete(who) }
    },
    list: () => [...held.keys()],
    release(runId = '*') {
      const released = [...held].filter(([who]) => isAbout(runId, who.runId))
      for (const [who, go] of released) {
        held.delete(who)
        go()
      }
      return released.length
    },
    whenHeld(runId) {
      const present = [...held.keys()].find((who) => isAbout(runId, who.runId))
      if (present !== undefined) return Promise.resolve(present)
      return new Promise((tell) => void watchers.push({ runId, tell }))
    },
  }
}
