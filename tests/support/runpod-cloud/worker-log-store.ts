/** One line of a worker's log. */
export interface CloudLogLine {
  readonly id: number
  readonly source: 'container' | 'system'
  readonly line: string
  readonly tsMs: number
}

const keptLines = 5_000
const vanishAfterMs = 120_000

/** Logs of all workers, also of those that have gone. */
export interface WorkerLogStore {
  add(workerId: string, source: CloudLogLine['source'], line: string): void
  /** The container is gone; its own lines are soon, too. */
  end(workerId: string): void
  has(workerId: string): boolean
  read(workerId: string): readonly CloudLogLine[]
  /** Calls back with every new line until the returned function is called; `onCut` breaks the connection. */
  follow(workerId: string, onLine: (line: CloudLogLine) => void, onCut: () => void): () => void
  /** Breaks the connections of all who follow. */
  cut(): void
}

/** Builds the store on the cloud's clock. */
export function createWorkerLogStore(nowMs: () => number): WorkerLogStore {
  const logs = new Map<
    string,
    { lines: CloudLogLine[]; endedAtMs: number | null; followers: Map<(line: CloudLogLine) => void, () => void> }
  >()
  let ids = 0
  const logOf = (workerId: string) => {
    const log = logs.get(workerId) ?? { lines: [], endedAtMs: null, followers: new Map<(line: CloudLogLine) => void, () => void>() }
    logs.set(workerId, log)
    return log
  }
  return {
    add(workerId, source, line) {
      ids += 1
      const entry: CloudLogLine = { id: ids, source, line, tsMs: nowMs() }
      const log = logOf(workerId)
      log.lines.push(entry)
      if (log.lines.length > keptLines) log.lines.shift()
      for (const tell of log.followers.keys()) tell(entry)
    },
    end: (workerId) => void (logOf(workerId).endedAtMs ??= nowMs()),
    has: (workerId) => logs.has(workerId),
    read(workerId) {
      const { lines, endedAtMs } = logOf(workerId)
      const isVanished = endedAtMs !== null && nowMs() - endedAtMs >= vanishAfterMs
      return isVanished ? lines.filter((line) => line.source === 'system') : lines
    },
    follow(workerId, onLine, onCut) {
      const { followers } = logOf(workerId)
      followers.set(onLine, onCut)
      return () => void followers.delete(onLine)
    },
    cut: () => logs.forEach(({ followers }) => followers.forEach((breakOff) => breakOff())),
  }
}
