import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openWorkingFile } from '../../../../../../main/features/datasets/engine/output/working-file-reader.ts'
import { temporaryFolder } from './export-setup.ts'

const fileBytes = 24 * 1024 * 1024
let folder = ''
let remove: () => Promise<void> = async () => undefined
beforeEach(async () => {
  ;({ path: folder, remove } = await temporaryFolder())
})
afterEach(() => remove())

describe('openWorkingFile', () => {
  it('gives the right bytes for steps, gaps, jumps back and rows longer than a block', async () => {
    const words = Uint32Array.from({ length: fileBytes / 4 }, (_, index) => Math.imul(index, 0x9e37_79b1))
    const bytes = Buffer.from(words.buffer)
    const path = join(folder, 'file')
    await writeFile(path, bytes)
    const file = await openWorkingFile(path)
    let state = 12_345
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state % below
    }
    try {
      let offset = 0
      for (let step = 0; step < 400; step += 1) {
        const length = Math.min(fileBytes - offset, random(20) === 0 ? random(7_000_000) : random(40) === 1 ? 1_500_000 : random(300_000))
        const window = file.find(offset, length) ?? (await file.load(offset, length))
        expect(bytes.compare(window.bytes, window.start, window.start + length, offset, offset + length)).toBe(0)
        offset += length + (random(4) === 0 ? random(3_000_000) : 1)
        if (offset >= fileBytes - 1) offset = random(1_000_000)
      }
    } finally {
      await file.close()
    }
  })
})
