import { delay, type Clock } from '../../lib/clock.ts'
import { listProcesses, selectTree, type ProcessEntry, type TreeRoots } from './process-list.ts'
import { runCommand } from './run-command.ts'

const lookAgainMs = 100

/** Ends every process of a tree: politely first, after `graceMs` by force; resolves when none is left. */
export async function endProcessTree(roots: TreeRoots, options: { graceMs: number; clock: Clock }): Promise<void> {
  if (process.platform === 'win32') return endWindowsTree(roots)
  const deadlineMs = options.clock.nowMs() + options.graceMs
  const asked = new Set<number>()
  let tree: readonly ProcessEntry[] = []
  for (;;) {
    // A child whose parent has just died hangs from nothing any more, so what was found once stays in the tree.
    tree = selectTree(await listProcesses(), roots, tree)
    if (tree.length === 0) return
    const isOverdue = options.clock.nowMs() >= deadlineMs
    for (const { pid } of tree) {
      if (isOverdue) signalProcess(pid, 'SIGKILL')
      else if (!asked.has(pid)) signalProcess(pid, 'SIGTERM')
      asked.add(pid)
    }
    await delay(options.clock, lookAgainMs)
  }
}

/** How many processes of a tree still run. */
export async function countProcessTree(roots: TreeRoots): Promise<number> {
  return selectTree(await listProcesses(), roots).length
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

async function endWindowsTree(tree: TreeRoots): Promise<void> {
  if (tree.rootPid === null) return
  await runCommand('taskkill', ['/PID', String(tree.rootPid), '/T', '/F'], { timeoutMs: 10_000 })
}
