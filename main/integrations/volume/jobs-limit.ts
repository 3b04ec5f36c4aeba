/** Lets a few tasks run at a time; the others wait in the order in which they came. */
export type Limit = <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** Builds a limit for `atOnce` tasks; a task whose signal aborts while it waits is never begun. */
export function createLimit(atOnce: number): Limit {
  let running = 0
  const waiting: (() => void)[] = []

  const enter = (signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted()
    if (running < atOnce) {
      running += 1
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(turn), 1)
        reject(signal?.reason)
      }
      waiting.push(turn)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }
  const exit = () => {
    const next = waiting.shift()
    // The place is handed on, so the count stays.
    if (next === undefined) running -= 1
    else next()
  }

  return async (task, signal) => {
    await enter(signal)
    try {
      return await task()
    } finally {
      exit()
    }
  }
}
