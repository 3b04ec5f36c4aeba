import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chooseRangeBytes } from '../../../../main/features/datasets/engine/pass/range-reader.ts'
import { createRandom } from '../../../bench/random.ts'
import { checkCalmly, killAt } from '../../../support/datasets/kill-engine.ts'
import { writeLargeFile } from '../../../support/datasets/large-file.ts'

const points = process.env['TUNESMITH_LONG'] === '1' ? 50 : 3
const workers = 2
let folder: string
let path: string
let calm: unknown

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kill-'))
  path = join(folder, 'data.jsonl')
  writeLargeFile(path, 48 * 1024 * 1024)
  calm = await checkCalmly(path, folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('an engine that is killed with -9', () => {
  it(`goes on where it stopped and says the same in the end, at ${points} random points`, { timeout: points * 20_000 }, async () => {
    const { size } = statSync(path)
    // What a kill costs at most: the range that each worker was in the middle of.
    expect((workers * chooseRangeBytes(size)) / size).toBeLessThanOrEqual(0.01)
    const random = createRandom(5)
    let interrupted = 0
    for (let point = 0; point < points; point += 1) {
      const { storedShare, resumedShare, report } = await killAt(path, folder, `torn-${point}`, random() * 0.9)
      expect(report).toEqual(calm)
      if (resumedShare === null) continue
      interrupted += 1
      expect(resumedShare).toBeGreaterThanOrEqual(storedShare)
    }
    expect(interrupted).toBeGreaterThan(0)
  })
})
