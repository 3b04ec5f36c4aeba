/** Collects things to shut down, in reverse order of their making. */
export interface Disposables {
  add(dispose: () => void | Promise<void>): void
  disposeAll(): Promise<void>
}

/** Creates an empty collection; each entry runs once, and one failing does not keep the others from running. */
export function createDisposables(onError: (error: unknown) => void): Disposables {
  const entries: (() => void | Promise<void>)[] = []
  return {
    add: (dispose) => void entries.push(dispose),
    async disposeAll() {
      for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
        try {
          await entry()
        } catch (error) {
          onError(error)
        }
      }
    },
  }
}
