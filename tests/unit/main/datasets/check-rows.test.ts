import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { DatasetError } from '../../../../preload/contract/datasets.ts'
import { createRowChecker, maxStoredErrorsPerCode, type CheckSummary } from '../../../../main/features/datasets/check-rows.ts'
import { createLineSplitter } from '../../../../main/features/datasets/line-splitter.ts'
import { judgeDataset } from '../../../../main/features/datasets/verdict.ts'

function check(
  content: Buffer | string,
  maxLineBytes = 1_000_000,
): { summary: CheckSummary; errors: DatasetError[]; usableLines: number[] } {
  const errors: DatasetError[] = []
  const usableLines: number[] = []
  const checker = createRowChecker({ onUsableRow: (line) => usableLines.push(line.number), onError: (error) => errors.push(error) })
  const splitter = createLineSplitter({ maxLineBytes, onLine: (line) => checker.check(line) })
  splitter.push(Buffer.from(content))
  splitter.end()
  return { summary: checker.summary(), errors, usableLines }
}

const fixture = (name: string) => readFileSync(new URL(`../../../fixtures/datasets/${name}`, import.meta.url))
const good = (question: string) =>
  JSON.stringify({
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: 'Yes 🌱' },
    ],
  })

describe('checking a whole file', () => {
  it('finds every fault of the fixture at its true line and pointer, and keeps the good rows', () => {
    const expected = z
      .array(z.object({ line: z.number(), path: z.string(), code: z.string() }))
      .parse(JSON.parse(fixture('messages-with-faults.expected.json').toString('utf8')))
    const { errors, usableLines, summary } = check(fixture('messages-with-faults.jsonl'))
    expect(errors.map(({ line, pointer, code }) => ({ line, path: pointer, code }))).toEqual(expected)
    expect(usableLines).toEqual([1, 9, 14])
    expect(summary.stats).toMatchObject({ rows: 12, validRows: 3, errorRows: 9, errors: 9, blankLines: 2 })
  })

  it('reports bad encoding and over-long rows on their own lines only', () => {
    const bad = Buffer.concat([Buffer.from('{"messages":"'), Buffer.from([0xe9]), Buffer.from('"}')])
    const file = Buffer.concat([Buffer.from(`${good('a')}\r\n`), bad, Buffer.from(`\n${good('b'.repeat(200))}\n${good('c')}`)])
    const { errors, usableLines, summary } = check(file, 150)
    expect(errors.map(({ line, code }) => [line, code])).toEqual([
      [2, 'ENCODING_INVALID'],
      [3, 'ROW_TOO_LARGE'],
    ])
    expect(usableLines).toEqual([1, 4])
    expect(summary.errorCounts).toEqual({ ENCODING_INVALID: 1, ROW_TOO_LARGE: 1 })
  })

  it('stores 1,000 errors of a code but counts all of them', () => {
    const { errors, summary } = check('{}\n'.repeat(2500) + '[]\n'.repeat(3))
    expect(errors).toHaveLength(maxStoredErrorsPerCode + 3)
    expect(summary.errorCounts).toEqual({ SHAPE_UNKNOWN: 2500, ROW_NOT_OBJECT: 3 })
    expect(summary.stats.errors).toBe(2503)
  })

  it('counts repeats by meaning, not by bytes, and characters as readers do', () => {
    const spaced = '{ "turns": [ {"role":"user","content":"a"}, {"role":"assistant","content":"Yes \\ud83c\\udf31"} ] }'
    const { summary } = check([good('a'), good('b'), good('a'), spaced].join('\n'))
    expect(summary.stats).toMatchObject({ duplicateRows: 2, turns: 8, assistantTurns: 4, characters: 24, assistantCharacters: 20 })
    expect(summary.stats).toMatchObject({ tokensEstimate: 6, turnsPerRowMean: 2, longestRowCharacters: 6 })
    expect(summary.shape).toBe('mixed')
  })

  it('an empty file and one of blank lines hold no rows', () => {
    expect(check('').summary).toMatchObject({ shape: null, stats: { rows: 0, blankLines: 0, turnsPerRowMean: 0 } })
    expect(check('\n \n').summary.stats).toMatchObject({ rows: 0, blankLines: 2 })
  })
})

describe('the verdict', () => {
  const { stats } = check(fixture('messages-with-faults.jsonl')).summary
  it('bad rows keep a dataset from training until the user leaves them out', () => {
    expect(judgeDataset(stats, false)).toMatchObject({ status: 'error', errorMessage: expect.stringContaining('9 rows of 12') })
    expect(judgeDataset(stats, true)).toEqual({ status: 'ready', errorMessage: null })
  })
  it('nothing usable stays an error whatever the user accepts', () => {
    expect(judgeDataset({ ...stats, validRows: 0 }, true).status).toBe('error')
    expect(judgeDataset({ ...stats, rows: 0, validRows: 0, errorRows: 0 }, true).errorMessage).toContain('no conversations')
  })
})
