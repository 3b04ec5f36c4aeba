import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { openTextPool } from '../corpus/pool.ts'
import { defaultSeed } from '../corpus/sizes.ts'
import { writeCorpus, type CorpusTruth } from '../corpus/write-corpus.ts'

/** The files that a run of the suite measures on. */
export interface DatasetInputs {
  readonly corpus: string
  readonly truth: CorpusTruth
  /** The first rows of the corpus, for near duplicates. */
  readonly slice: string
  readonly sliceRows: number
  /** Three times the corpus; null unless memory is compared. */
  readonly large: string | null
}

/** Which inputs are needed, and how large. */
export interface InputOptions {
  readonly bytes: number
  readonly wantsSlice: boolean
  readonly wantsLarge: boolean
  readonly say: (line: string) => void
}

const nearRows = 100_000
const largeFactor = 3
const blockBytes = 4 * 1024 * 1024

/** Writes the corpus and what is made of it into an empty folder. */
export async function prepareInputs(folder: string, { bytes, wantsSlice, wantsLarge, say }: InputOptions): Promise<DatasetInputs> {
  const pool = await openTextPool(say)
  const corpus = join(folder, 'chat.jsonl')
  say(`Writing a corpus of ${bytes} bytes`)
  const truth = writeCorpus(pool, { path: corpus, bytes, seed: defaultSeed })
  const large = wantsLarge ? join(folder, 'chat-large.jsonl') : null
  if (large !== null) writeCorpus(pool, { path: large, bytes: bytes * largeFactor, seed: defaultSeed + 1 })
  const slice = join(folder, 'chat-slice.jsonl')
  const sliceRows = Math.min(nearRows, truth.rows)
  if (wantsSlice) await copyLines(corpus, slice, sliceRows)
  return { corpus, truth, slice, sliceRows, large }
}

/** Copies the first lines, byte by byte. */
async function copyLines(source: string, target: string, lines: number): Promise<void> {
  const input = await open(source)
  const output = await open(target, 'w')
  try {
    const block = Buffer.allocUnsafe(blockBytes)
    for (let left = lines; left > 0;) {
      const { bytesRead } = await input.read(block)
      if (bytesRead === 0) break
      let end = 0
      while (left > 0) {
        const next = block.subarray(0, bytesRead).indexOf(10, end)
        if (next === -1) break
        end = next + 1
        left -= 1
      }
      await output.write(block, 0, left > 0 ? bytesRead : end)
    }
  } finally {
    await input.close()
    await output.close()
  }
}
