import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createRowReader } from '../../main/features/datasets/engine/rows/row-reader.ts'
import { rules } from '../../main/features/datasets/engine/rows/rules.ts'
import { openTextPool } from '../bench/corpus/pool.ts'
import { defaultSeed, fullBytes } from '../bench/corpus/sizes.ts'
import { writeCorpus } from '../bench/corpus/write-corpus.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunesmith-corpus-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the full corpus', () => {
  it('holds an error that was not put in, or hides one that was', async () => {
    const path = join(folder, 'chat.jsonl')
    const truth = writeCorpus(await openTextPool((line) => console.log(line)), { path, bytes: fullBytes, seed: defaultSeed })
    const seeded = truth.defects.map(({ line, rule, pointer }) => `${line} ${rule} ${pointer}`)
    expect(await errorsOf(path)).toEqual(seeded)
  })
})

async function errorsOf(path: string): Promise<string[]> {
  const reader = createRowReader({ mapping: null })
  const found: string[] = []
  let rest = Buffer.alloc(0)
  let line = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 4 * 1024 * 1024 })) {
    const block = Buffer.concat([rest, chunk as Buffer])
    let start = 0
    for (let end = block.indexOf(10); end !== -1; end = block.indexOf(10, start)) {
      line += 1
      for (const { rule, pointer } of reader.read(block.subarray(start, end)).faults) {
        if (rules[rule]?.severity === 'error') found.push(`${line} ${rules[rule].id} ${pointer}`)
      }
      start = end + 1
    }
    rest = block.subarray(start)
  }
  return found
}
