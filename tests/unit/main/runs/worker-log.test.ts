import { describe, expect, it } from 'vitest'
import { migrate } from '../../../../main/db/migrate.ts'
import { migrations } from '../../../../main/db/migrations.ts'
import { openDatabase } from '../../../../main/db/open.ts'
import { createWorkerLogBook } from '../../../../main/features/runs/log/book.ts'
import { createKnownLines, markOf } from '../../../../main/features/runs/log/known-lines.ts'
import { keptText, levelOf } from '../../../../main/features/runs/log/line-text.ts'
import { createRunLogRepository } from '../../../../main/features/runs/log/repository.ts'
import { createRunWorld, runConfig } from '../../../support/runs/run-world.ts'

describe('lines that come again', () => {
  const line = (message: string, atMs: number | null = 1) => ({ mark: markOf('container', atMs), message })

  it('are taken as often as they were written, not once and not twice as often', () => {
    const known = createKnownLines([line('a'), line('a'), line('b')])
    expect([line('a'), line('a'), line('a'), line('b'), line('b')].map((each) => known.isNew(each))).toEqual([
      false,
      false,
      true,
      false,
      true,
    ])
  })

  it('are new when the same text comes at another time or from the machine', () => {
    const known = createKnownLines([line('a', 1)])
    expect(known.isNew(line('a', 2))).toBe(true)
    expect(known.isNew({ mark: markOf('system', 1), message: 'a' })).toBe(true)
  })

  it('without a time are told by their place: none is swallowed after the first new line', () => {
    const known = createKnownLines([line('start', null), line('tick', null), line('tick', null)])
    const again = [line('tick', null), line('fresh', null), line('tick', null)]
    expect(again.map((each) => known.isNew(each))).toEqual([false, true, true])
  })
})

describe('a worker’s line', () => {
  const escape = String.fromCodePoint(27)

  it.each([
    [`${escape}[32mgreen${escape}[0m`, 'green'],
    ['10%|#   |\r50%|##  |\r99%|####|', '99%|####|'],
    ['progress 100%\r', 'progress 100%'],
    [`hf_${escape}[1mSECRETSECRET`, '[redacted]'],
    ['a\tb\u0000c', 'a\tbc'],
  ])('%j would be kept as a terminal never shows it', (raw, kept) => {
    expect(keptText(raw)).toBe(kept)
  })

  it('would fill the disk when a worker prints a whole file in one line', () => {
    expect(keptText('x'.repeat(100_000)).length).toBeLessThan(5_000)
  })

  it.each([
    ['ERROR   | job-1 | Captured Handler Exception', 'error'],
    ['2026-08-01 10:00:00,123 - WARNING - low memory', 'warning'],
    ['2026-08-01 10:00:00,123 WARNING low memory', 'warning'],
    ['[WARNING] low memory', 'warning'],
    ['{"requestId":"a","message":"Started.","level":"INFO"}', 'info'],
    ['{"message":"bad","level":"ERROR"}', 'error'],
    ['Traceback (most recent call last):', 'error'],
    ['torch.cuda.OutOfMemoryError: CUDA out of memory', 'error'],
    ['evaluating the error rate', 'info'],
    ['DEBUG | cache', 'debug'],
  ])('%j would have the wrong level', (text, level) => {
    expect(levelOf(text)).toBe(level)
  })
})

describe('the number of worker lines', () => {
  it('would grow without end, or lose lines without a word, or lose the app’s own', async () => {
    const world = createRunWorld()
    const { id } = await world.open().start(runConfig(), 'x')
    const repository = createRunLogRepository(world.db)
    const book = createWorkerLogBook(repository, 100)
    const own = world.logLines(id).length
    for (let number = 0; number < 3_000; number += 300) {
      const lines = Array.from({ length: 300 }, (_, index) => ({
        atMs: number + index,
        level: 'info' as const,
        message: `line ${number + index}`,
        workerId: 'w',
        mark: `container@${number + index}`,
      }))
      book.add(id, lines)
    }
    const lines = world.logLines(id)
    const kept = lines.filter(({ source }) => source === 'worker')
    expect(kept.length).toBeLessThanOrEqual(1_100)
    expect(kept.at(-1)?.message).toBe('line 2999')
    const notes = lines.filter(({ message }) => message.includes('older lines of the worker were dropped'))
    expect(notes).toHaveLength(1)
    expect(notes[0]?.message).toBe(
      `${(3_000 - kept.length).toLocaleString('en-US')} older lines of the worker were dropped; its newest 100 are kept.`,
    )
    expect(lines.length).toBe(own + kept.length + 1)
  })

  it('would start anew at an update: what an older version kept is there and in order', () => {
    const db = openDatabase({ path: ':memory:' })
    migrate(
      db,
      migrations.filter(({ version }) => version < 8),
      () => null,
    )
    expect(() => migrate(db, migrations, () => null)).not.toThrow()
    expect(db.prepare("SELECT name FROM pragma_table_info('run_log')").pluck().all()).toContain('worker_mark')
  })
})
