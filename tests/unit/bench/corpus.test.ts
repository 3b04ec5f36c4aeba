import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createRowReader } from '../../../main/features/datasets/engine/rows/row-reader.ts'
import { rules } from '../../../main/features/datasets/engine/rows/rules.ts'
import { createConversationMaker } from '../../bench/corpus/conversation.ts'
import { defectShares, spoilLine, spoilMessages } from '../../bench/corpus/defects.ts'
import { truthPath, writeCorpus, type CorpusTruth } from '../../bench/corpus/write-corpus.ts'
import { createRandom } from '../../bench/random.ts'
import { smallPool } from './small-pool.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunesmith-corpus-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, seed: number, bytes = 3_000_000): { truth: CorpusTruth; lines: Buffer[] } {
  const path = join(folder, name)
  const truth = writeCorpus(smallPool, { path, bytes, seed })
  const file = readFileSync(path)
  const lines: Buffer[] = []
  for (let start = 0; start < file.length;) {
    const end = file.indexOf(10, start)
    lines.push(file.subarray(start, end))
    start = end + 1
  }
  return { truth, lines }
}

function errorsOf(line: Buffer): { rule: string | undefined; pointer: string }[] {
  const { faults } = createRowReader({ mapping: null }).read(line)
  return faults.flatMap(({ rule, pointer }) => (rules[rule]?.severity === 'error' ? [{ rule: rules[rule].id, pointer }] : []))
}

describe('corpus', () => {
  it('is another file with the same seed, or the same with another', () => {
    const first = write('first.jsonl', 1)
    expect(write('again.jsonl', 1).truth.sha256).toBe(first.truth.sha256)
    expect(write('other.jsonl', 2).truth.sha256).not.toBe(first.truth.sha256)
  })

  it('lists other rows, repeats or sizes than the file has', () => {
    const { truth, lines } = write('listed.jsonl', 3)
    expect(lines.length).toBe(truth.rows)
    expect(lines.reduce((sum, line) => sum + line.length + 1, 0)).toBe(truth.bytes)
    expect(JSON.parse(readFileSync(truthPath(join(folder, 'listed.jsonl')), 'utf8'))).toEqual(truth)
    expect(truth.repeats.length).toBeGreaterThan(10)
    for (const { line, of, kind } of truth.repeats) {
      expect(of).toBeLessThan(line)
      const isEqual = lines[line - 1]?.equals(lines[of - 1] ?? Buffer.alloc(0))
      expect(isEqual).toBe(kind === 'exact')
    }
  })

  it('has an error that its list does not name, or names one that is not there', () => {
    const { truth, lines } = write('errors.jsonl', 4, 20_000_000)
    const listed = new Map(truth.defects.map(({ line, rule, pointer }) => [line, [{ rule, pointer }]]))
    const wrong = lines.flatMap((line, at) => {
      const [found, expected] = [errorsOf(line), listed.get(at + 1) ?? []]
      return JSON.stringify(found) === JSON.stringify(expected) ? [] : [{ line: at + 1, found, expected }]
    })
    expect(listed.size).toBeGreaterThan(0)
    expect(wrong).toEqual([])
  })

  it.each(defectShares.map(([kind]) => kind))('spoils a row by %s in another way than it says', (kind) => {
    const random = createRandom(5)
    const makeConversation = createConversationMaker(smallPool, random)
    for (let round = 0; round < 60; round += 1) {
      const { messages, defect } = spoilMessages(kind, makeConversation())
      const line = spoilLine(kind, JSON.stringify({ messages }), random)
      expect(line.includes(10)).toBe(false)
      expect(errorsOf(line)).toEqual([{ rule: defect.rule, pointer: defect.pointer }])
    }
  })
})
