import { readdir, readFile } from 'node:fs/promises'
import { runCommand } from './run-command.ts'

/** One running process as the system lists it. */
export interface ProcessEntry {
  readonly pid: number
  readonly parentPid: number
  /** Tells it from a later process with the same number; empty where the system does not say. */
  readonly started: string
  /** The start of its environment, where this user may read it; used only to recognise a mark. */
  readonly environment: string
}

/** All processes of this computer; empty on Windows, where taskkill walks the tree by itself. */
export async function listProcesses(): Promise<readonly ProcessEntry[]> {
  if (process.platform === 'win32') return []
  return process.platform === 'linux' ? listFromProc() : listFromPs()
}

async function listFromProc(): Promise<readonly ProcessEntry[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const entries = await Promise.all(
    names.map(async (name) => {
      const [stat, environment] = await Promise.all([readProc(`/proc/${name}/stat`), readProc(`/proc/${name}/environ`)])
      // The program's name stands in brackets and may itself hold brackets and blanks.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const isGone = fields[0] === undefined || fields[0] === '' || fields[0] === 'Z'
      return isGone ? [] : [{ pid: Number(name), parentPid: Number(fields[1]), started: fields[19] ?? '', environment }]
    }),
  )
  return entries.flat()
}

/** Empty for a process that has ended meanwhile or belongs to someone else. */
async function readProc(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '')
}

async function listFromPs(): Promise<readonly ProcessEntry[]> {
  const { lines } = await runCommand('ps', ['-axEww', '-o', 'pid=,ppid=,command='], { timeoutMs: 10_000 })
  return lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)
    return match === null ? [] : [{ pid: Number(match[1]), parentPid: Number(match[2]), started: '', environment: match[3] ?? '' }]
  })
}

/** Where a tree begins. */
export interface TreeRoots {
  /** The process the tree hangs from; null when only the mark is known. */
  readonly rootPid: number | null
  /** A random word in the environment of all of them, which also finds those whose parent has died. */
  readonly mark: string | null
}

/** A process and everything below it, everything that carries the mark, and what was found `before` and still runs. */
export function selectTree(
  processes: readonly ProcessEntry[],
  roots: TreeRoots,
  before: readonly ProcessEntry[] = [],
): readonly ProcessEntry[] {
  const { rootPid, mark } = roots
  const wasFound = (entry: ProcessEntry) => before.some((earlier) => earlier.pid === entry.pid && earlier.started === entry.started)
  const selected = new Set<number>()
  for (const entry of processes) {
    if (entry.pid === rootPid || (mark !== null && entry.environment.includes(mark)) || wasFound(entry)) selected.add(entry.pid)
  }
  for (let size = -1; size !== selected.size;) {
    size = selected.size
    for (const entry of processes) if (selected.has(entry.parentPid)) selected.add(entry.pid)
  }
  selected.delete(process.pid)
  return processes.filter((entry) => selected.has(entry.pid))
}
