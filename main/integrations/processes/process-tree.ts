import { delay, type Clock } from '../../lib/clock.ts'
import { listProcesses, selectTree } from './process-list.ts'
import { runCommand } from './run-command.ts'

const lookAgainMs = 100

interface Tree {
  /** The process the tree hangs from; null when only the mark is known. */
  readonly rootPid: number | null
  /** A random word in the environment of all of them, which also finds those whose parent has died. */
  readonly mark: string | null
}

/** Ends every process of a tree: politely first, after `graceMs` by force; resolves when none is left. */
export async function endProcessTree(tree: Tree, options: { graceMs: number; clock: Clock }): Promise<void> {
  if (process.platform === 'win32') return endWindowsTree(tree)
  const deadlineMs = options.clock.nowMs() + options.graceMs
  let asked = new Set<number>()
  for (;;) {
    const pids = selectTree(await listProcesses(), tree.rootPid, tree.mark)
    if (pids.length === 0) return
    const isOverdue = options.clock.nowMs() >= deadlineMs
    for (const pid of pids) {
      if (isOverdue) signalProcess(pid, 'SIGKILL')
      else if (!asked.has(pid)) signalProcess(pid, 'SIGTERM')
    }
    asked = new Set(pids)
    await delay(options.clock, lookAgainMs)
  }
}

/** Processes of a tree that still run. */
export async function findProcessTree(tree: Tree): Promise<readonly number[]> {
  return selectTree(await listProcesses(), tree.rootPid, tree.mark)
}

/** Sends a signal to a process that may have ended meanwhile. */
export function signalProcess(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

async function endWindowsTree(tree: Tree): Promise<void> {
  if (tree.rootPid === null) return
  await runCommand('taskkill', ['/PID', String(tree.rootPid), '/T', '/F'], { timeoutMs: 10_000 })
}
