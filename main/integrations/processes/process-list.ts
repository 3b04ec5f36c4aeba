import { readdir, readFile } from 'node:fs/promises'
import { runCommand } from './run-command.ts'

/** One running process as the system lists it. */
export interface ProcessEntry {
  readonly pid: number
  readonly parentPid: number
  /** The start of its environment, where this user may read it; used only to recognise a mark. */
  readonly environment: string
}

/** All processes of this computer; empty on Windows, where taskkill walks the tree by itself. */
export async function listProcesses(): Promise<readonly ProcessEntry[]> {
  switch (process.platform) {
    case 'win32':
      return []
    case 'linux':
      return listFromProc()
    default:
      return listFromPs()
  }
}

async function listFromProc(): Promise<readonly ProcessEntry[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const entries = await Promise.all(
    names.map(async (name) => {
      const [stat, environment] = await Promise.all([readProc(`/proc/${name}/stat`), readProc(`/proc/${name}/environ`)])
      // The program's name stands in brackets and may itself hold brackets and blanks.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const isGone = fields[0] === undefined || fields[0] === '' || fields[0] === 'Z'
      return isGone ? [] : [{ pid: Number(name), parentPid: Number(fields[1]), environment }]
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
    return match === null ? [] : [{ pid: Number(match[1]), parentPid: Number(match[2]), environment: match[3] ?? '' }]
  })
}

/** A process and everything below it, plus every process that carries `mark` in its environment. */
export function selectTree(processes: readonly ProcessEntry[], rootPid: number | null, mark: string | null): readonly number[] {
  const selected = new Set<number>()
  for (const entry of processes) {
    if (entry.pid === rootPid || (mark !== null && entry.environment.includes(mark))) selected.add(entry.pid)
  }
  for (let before = -1; before !== selected.size; ) {
    before = selected.size
    for (const entry of processes) if (selected.has(entry.parentPid)) selected.add(entry.pid)
  }
  selected.delete(process.pid)
  return [...selected]
}
