/** Runs at most so many jobs at once; the others wait in order. */
export type Limiter = <T>(job: () => Promise<T>) => Promise<T>

/** Creates a limiter. */
export function createLimiter(maxRunning: number): Limiter {
  const waiting: (() => void)[] = []
  let running = 0
  return async (job) => {
    if (running >= maxRunning) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
      })
    } else {
      running += 1
    }
    try {
      return await job()
    } finally {
      // The place is handed over, so nobody can slip in between.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
