import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytesOf } from '../random.ts'

/** A file to move, whole and cut. */
export interface TransferInputs {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** The same in files of one part each; empty where nobody needs them. */
  readonly parts: readonly { readonly path: string; readonly sha256: string }[]
}

const blockBytes = 1 << 20
/** As large as Tunesmith's parts. */
const partBlocks = 50

/** Writes a file that does not compress, the same every time. */
export async function writeInputs(folder: string, blocks: number, wantsParts: boolean): Promise<TransferInputs> {
  const file = join(folder, `source-${blocks}`)
  const hash = createHash('sha256')
  const block = randomBytesOf(29, blockBytes)
  const parts: { path: string; sha256: string }[] = []
  const whole = await open(file, 'w')
  try {
    for (let first = 0; first < blocks; first += partBlocks) {
      const path = join(folder, `part-${blocks}-${parts.length + 1}`)
      const part = wantsParts ? await open(path, 'w') : undefined
      const partHash = createHash('sha256')
      for (let index = first; index < Math.min(blocks, first + partBlocks); index += 1) {
        block.writeUInt32LE(index)
        hash.update(block)
        await whole.write(block)
        if (part === undefined) continue
        partHash.update(block)
        await part.write(block)
      }
      await part?.close()
      if (wantsParts) parts.push({ path, sha256: partHash.digest('hex') })
    }
    await whole.sync()
  } finally {
    await whole.close()
  }
  return { file, bytes: blocks * blockBytes, sha256: hash.digest('hex'), parts }
}
