import { spawn, type ChildProcess } from 'node:child_process'
import { delay, type Clock } from '../../lib/clock.ts'
import { createLineReader } from '../processes/line-reader.ts'
import { countProcessTree, endProcessTree, signalProcess } from '../processes/process-tree.ts'
import { markVariable } from './worker-environment.ts'

/** One running worker process and everything it started. */
export interface WorkerProcess {
  readonly workerId: string
  readonly token: string
  readonly pid: number | undefined
  /** Resolves when the process itself has ended, however it did. */
  readonly ended: Promise<void>
  /** The last lines it printed, to explain a failed start. */
  lastLines(): readonly string[]
  /** Tells it that the app is going; it may save its work first. */
  askToLeave(): void
  /** Ends what is left of the whole tree: politely for `graceMs`, then by force. */
  endTree(graceMs: number): Promise<void>
}

/** What a worker is started with. */
export interface SpawnOptions {
  readonly workerId: string
  readonly token: string
  readonly mark: string
  readonly python: string
  readonly script: string
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  onLine(line: string): void
}

const keptLines = 40

/** Starts a worker: no shell, a process group of its own, stdin held open as a sign that the app lives. */
export function spawnWorker(options: SpawnOptions): WorkerProcess {
  const { workerId, token, mark, clock } = options
  const lines: string[] = []
  const take = (line: string) => {
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
    options.onLine(line)
  }
  const child = spawn(options.python, ['-u', options.script], {
    cwd: options.folder,
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
    shell: false,
  })
  // Writing never happens; an error here only repeats that the worker is gone.
  child.stdin.on('error', () => undefined)
  readLines(child, take)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      take(`The worker process ended (${signal ?? `exit code ${code}`}).`)
      resolve()
    })
    child.once('error', (error) => {
      take(`The worker process could not be started: ${error.message}`)
      if (child.pid === undefined) resolve()
    })
  })
  const rootPid = child.pid ?? null
  return {
    workerId,
    token,
    pid: child.pid,
    ended,
    lastLines: () => lines,
    askToLeave() {
      child.stdin.end()
      if (rootPid !== null && child.exitCode === null && process.platform !== 'win32') signalProcess(rootPid, 'SIGTERM')
    },
    async endTree(graceMs) {
      if (rootPid === null) return
      // Once it has ended its number may belong to another program; the mark still finds its children.
      const isRunning = child.exitCode === null && child.signalCode === null
      await endProcessTree({ rootPid: isRunning ? rootPid : null, mark: markText(mark) }, { graceMs, clock })
    },
  }
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    const reader = createLineReader(onLine)
    stream?.on('data', (chunk: Buffer) => reader.push(chunk))
    stream?.once('end', () => reader.end())
  }
}

/** How a mark stands in a process's environment. */
function markText(mark: string): string {
  return `${markVariable}=${mark}`
}

/** Ends a worker that an earlier start of the app left behind; only processes that carry its mark are touched. */
export async function endLeftWorker(mark: string, graceMs: number, clock: Clock): Promise<number> {
  const tree = { rootPid: null, mark: markText(mark) }
  const count = await countProcessTree(tree)
  if (count > 0) await endProcessTree(tree, { graceMs, clock })
  return count
}

/** Resolves to true when a process ended within the time. */
export async function endsWithin(worker: WorkerProcess, waitMs: number, clock: Clock): Promise<boolean> {
  const patience = new AbortController()
  const timeOut = delay(clock, waitMs, patience.signal).then(
    () => false,
    () => true,
  )
  const isEnded = await Promise.race([worker.ended.then(() => true), timeOut])
  patience.abort()
  return isEnded
}
