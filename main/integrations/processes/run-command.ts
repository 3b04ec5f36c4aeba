import { spawn } from 'node:child_process'
import { createLineReader } from './line-reader.ts'

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  onLine?(line: string): void
  /** Told the process id, so that a caller can end the whole tree. */
  onStarted?(pid: number): void
}

/** How a command ended; `code` is null when it could not be started or was ended by a signal. */
export interface CommandResult {
  readonly code: number | null
  /** The last lines of its output, both streams. */
  readonly lines: readonly string[]
  readonly failure: string | null
}

const keptLines = 20_000

/** Runs a program with an argument array and no shell; never rejects, since a missing program is an answer too. */
export function runCommand(program: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const lines: string[] = []
    const take = (line: string) => {
      lines.push(line)
      if (lines.length > keptLines) lines.shift()
      options.onLine?.(line)
    }
    const child = spawn(program, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      shell: false,
      killSignal: 'SIGKILL',
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    let failure: string | null = null
    const out = createLineReader(take)
    const err = createLineReader(take)
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', (error) => {
      failure = error.message
      if (child.pid === undefined) resolve({ code: null, lines, failure })
    })
    if (child.pid !== undefined) options.onStarted?.(child.pid)
    child.on('close', (code) => {
      out.end()
      err.end()
      resolve({ code, lines, failure })
    })
  })
}
