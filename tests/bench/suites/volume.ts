import { createHash } from 'node:crypto'
import { copyFile, open, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDirectoryVolume } from '../../../main/integrations/volume/directory-volume.ts'
import type { Benchmark } from '../benchmark.ts'
import { plainSha256 } from '../plain-hash.ts'
import { randomBytesOf } from '../random.ts'

const fileBytes = 64 * 1024 * 1024
const key = 'datasets/copied.jsonl'

/** A file on its way to the training volume and back. */
export const volumeCopy: Benchmark = {
  name: 'volume.copy',
  work: 'puts a file of 64 MB on a volume, hashed and under a temporary name until it is whole, and fetches it again',
  against: '`copyFile` and flush there and back, and one SHA-256 of the file',
  target: 2,
  rounds: 5,
  async prepare(folder) {
    const source = join(folder, 'source')
    const bytes = randomBytesOf(13, fileBytes)
    await writeFile(source, bytes, { flush: true })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const there = join(folder, 'there')
    const plainBack = join(folder, 'plain-back')
    const volume = createDirectoryVolume(join(folder, 'volume'))
    const back = join(folder, 'back')
    return {
      reference: {
        async run() {
          await copyDurably(source, there)
          if ((await plainSha256(source)) !== sha256) throw new Error('The source file changed')
          await copyDurably(there, plainBack)
          return (await stat(plainBack)).size
        },
        reset: () => removeAll([there, plainBack]),
      },
      tunesmith: {
        async run() {
          await volume.putFile(key, source, sha256)
          return (await volume.getFile(key, back)).bytes
        },
        reset: () => removeAll([join(folder, 'volume', key), back]),
      },
    }
  },
}

/** Both sides leave the file on the disk, not only in memory; otherwise the disk would be measured, not the code. */
async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  const file = await open(to, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function removeAll(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })))
}
