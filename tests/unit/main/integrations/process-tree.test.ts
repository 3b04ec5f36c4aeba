import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { createLineReader } from '../../../../main/integrations/processes/line-reader.ts'
import { selectTree } from '../../../../main/integrations/processes/process-list.ts'
import { endProcessTree } from '../../../../main/integrations/processes/process-tree.ts'
import { runCommand } from '../../../../main/integrations/processes/run-command.ts'
import { systemClock } from '../../../../main/lib/clock.ts'
import { isAlive } from '../../../support/local-platform.ts'

const entry = (pid: number, parentPid: number, environment = '') => ({ pid, parentPid, environment, started: String(pid) })

const pids = (tree: readonly { pid: number }[]) => tree.map(({ pid }) => pid).sort((a, b) => a - b)

describe('process tree', () => {
  it('keeps a child whose parent has just died, but not a stranger that got its number', () => {
    const found = [entry(900001, 1), entry(900002, 900001)]
    expect(pids(selectTree([entry(900002, 1)], { rootPid: 900001, mark: null }, found))).toEqual([900002])
    expect(selectTree([{ ...entry(900002, 1), started: 'later' }], { rootPid: 900001, mark: null }, found)).toEqual([])
  })

  it('finds children of children and those whose parent has died, and nobody else', () => {
    const processes = [
      entry(900001, 1),
      entry(900003, 900002),
      entry(900002, 900001),
      entry(900004, 1, 'A=1\0MARK=abc\0'),
      entry(900005, 900004),
      entry(900006, 1, 'MARK=abd'),
    ]
    expect(pids(selectTree(processes, { rootPid: 900001, mark: 'MARK=abc' }))).toEqual([900001, 900002, 900003, 900004, 900005])
    expect(selectTree(processes, { rootPid: null, mark: 'MARK=none' })).toEqual([])
  })

  it('never selects this process itself', () => {
    expect(selectTree([entry(process.pid, 1, 'MARK=abc')], { rootPid: null, mark: 'MARK=abc' })).toEqual([])
  })

  it('ends a grandchild in a session of its own that ignores SIGTERM', async () => {
    const grandchild = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid)`
    const code = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { detached: true, stdio: ['ignore', 'inherit', 'ignore'] }); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pid = await new Promise<number>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))))
    expect(isAlive(pid)).toBe(true)
    await endProcessTree({ rootPid: child.pid ?? null, mark: null }, { graceMs: 200, clock: systemClock })
    expect(isAlive(pid)).toBe(false)
  })

  it('a missing program is an answer, not a crash', async () => {
    expect(await runCommand('tunesmith-no-such-program', [])).toMatchObject({ code: null, failure: expect.stringContaining('ENOENT') })
  })

  it('lines are the same however the output is cut, also inside a character', () => {
    const bytes = Buffer.from('erste Zeile ä\r\nProgress 1 of 2\rProgress 2 of 2\n\nlast')
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const lines: string[] = []
      const reader = createLineReader((line) => void lines.push(line))
      reader.push(bytes.subarray(0, cut))
      reader.push(bytes.subarray(cut))
      reader.end()
      expect(lines).toEqual(['erste Zeile ä', 'Progress 1 of 2', 'Progress 2 of 2', 'last'])
    }
  })
})
