import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRunLogReader } from '../../../main/features/runs/log/reader.ts'
import { createRunLogRepository } from '../../../main/features/runs/log/repository.ts'
import { createRunWorld, runConfig } from '../../support/runs/run-world.ts'

const all = { source: 'all', level: 'debug' } as const
const startMs = Date.UTC(2026, 10, 23, 14, 2, 5, 123)

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'tunesmith-log-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A run whose log holds nothing but what the test puts there. */
async function openLog() {
  const world = createRunWorld()
  const service = world.open()
  const { id } = await service.start(runConfig(), 'x')
  await service.dispose()
  world.db.prepare('DELETE FROM run_log').run()
  const copied: string[] = []
  const path = join(folder, 'out.log')
  const repository = createRunLogRepository(world.db)
  const reader = createRunLogReader({
    repository,
    assertThere: () => undefined,
    fileNameOf: () => 'my-run',
    pickLogPath: async () => path,
    copyText: (text) => void copied.push(text),
  })
  const add = (line: Parameters<typeof world.progress.addLog>[1]) => world.progress.addLog(id, line)
  const addWorker = (atMs: number, message: string) =>
    repository.addAll(id, [{ atMs, level: 'info', message, workerId: 'w', mark: `container@${atMs}` }])
  return { id, reader, add, addWorker, copied, path }
}

describe('the log of a run', () => {
  it('would show what the worker wrote while the app was closed after what came later', async () => {
    const { id, reader, add, addWorker } = await openLog()
    add({ atMs: startMs + 9_000, level: 'info', source: 'app', message: 'opened again' })
    addWorker(startMs, 'while closed')
    const { lines } = reader.list({ id, filter: all, offset: 0, limit: 10 })
    expect(lines.map(({ message }) => message)).toEqual(['while closed', 'opened again'])
  })

  it('would count or page other lines than the filter leaves', async () => {
    const { id, reader, add, addWorker } = await openLog()
    for (let index = 0; index < 30; index += 1) {
      addWorker(startMs + index, `worker ${index}`)
      add({ atMs: startMs + index, level: index % 3 === 0 ? 'error' : 'debug', source: 'trainer', message: `trainer ${index}` })
    }
    expect(reader.list({ id, filter: all, offset: 0, limit: 1 }).total).toBe(60)
    const grave = reader.list({ id, filter: { source: 'all', level: 'warning' }, offset: 8, limit: 10 })
    expect([grave.total, grave.lines.map(({ message }) => message)]).toEqual([10, ['trainer 24', 'trainer 27']])
    expect(reader.list({ id, filter: { source: 'worker', level: 'debug' }, offset: 29, limit: 10 }).lines).toMatchObject([
      { message: 'worker 29' },
    ])
  })

  it('would find only what is on the page, or at places of another filter', async () => {
    const { id, reader, addWorker, add } = await openLog()
    add({ atMs: startMs - 1, level: 'info', source: 'app', message: 'needle of the app' })
    for (let index = 0; index < 2_500; index += 1) addWorker(startMs + index, index % 1_000 === 7 ? 'a NEEDLE here' : `line ${index}`)
    expect(await reader.search({ id, filter: all, text: 'Needle' })).toEqual({ places: [0, 8, 1_008, 2_008] })
    expect(await reader.search({ id, filter: { source: 'worker', level: 'debug' }, text: 'Needle' })).toEqual({ places: [7, 1_007, 2_007] })
    expect(await reader.search({ id, filter: all, text: '%' })).toEqual({ places: [] })
  })

  it('would leave the app in local time, with a secret, or with a message that looks like two lines', async () => {
    const { id, reader, add, path } = await openLog()
    add({ atMs: startMs, level: 'warning', source: 'app', message: 'login with hf_PLANTEDPLANTED\nsecond line' })
    await reader.export({ id, filter: all, format: 'text' }, 1)
    expect(readFileSync(path, 'utf8')).toBe('2026-11-23T14:02:05.123Z WARNING app     login with [redacted]\n    second line\n')
    await reader.export({ id, filter: all, format: 'jsonl' }, 1)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      time: '2026-11-23T14:02:05.123Z',
      level: 'warning',
      source: 'app',
      message: 'login with [redacted]\nsecond line',
    })
    expect(readdirSync(folder)).toEqual(['out.log'])
  })

  it('would copy one line too few or too many', async () => {
    const { id, reader, addWorker, copied } = await openLog()
    for (let index = 0; index < 3_000; index += 1) addWorker(startMs + index, `line ${index}`)
    await reader.copy({ id, filter: all, first: 998, last: 2_001 })
    const lines = copied.join('').trimEnd().split('\n')
    expect([lines.length, lines[0]?.endsWith(' line 998'), lines.at(-1)?.endsWith(' line 2001')]).toEqual([1_004, true, true])
  })
})
