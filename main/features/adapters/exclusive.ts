/** Runs jobs about the same thing one after the other, in the order they came. */
export type Exclusive = <T>(key: string, job: () => Promise<T>) => Promise<T>

/** Creates a lock per key. */
export function createExclusive(): Exclusive {
  const last = new Map<string, Promise<unknown>>()
  return (key, job) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(job, job)
    last.set(key, turn)
    const forget = () => {
      if (last.get(key) === turn) last.delete(key)
    }
    turn.then(forget, forget)
    return turn
  }
}
