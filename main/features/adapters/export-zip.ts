import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline, Transform, type Readable } from 'node:stream'
import { pipeline as pipelineDone } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { syncFolder } from '../../lib/atomic-file.ts'
import { corrupt } from './corrupt.ts'
import type { FileSeal } from './file-check.ts'

type SealedFile = FileSeal & { readonly name: string }

/** What goes into an archive: checked files, under one folder. */
export interface ZipContent {
  readonly folder: string
  readonly rootName: string
  readonly files: readonly SealedFile[]
  readonly modifiedAtMs: number
}

/** Writes a ZIP under a temporary name and renames it when it is whole; every file is hashed on its way in. */
export async function writeZip(path: string, content: ZipContent): Promise<number> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await fill(temporary, content)
    const file = await open(temporary, 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
  return (await stat(path)).size
}

async function fill(temporary: string, { folder, rootName, files, modifiedAtMs }: ZipContent): Promise<void> {
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  zip.on('error', (error: Error) => output.destroy(error))
  for (const file of files) {
    const options = {
      size: file.bytes,
      mtime: new Date(modifiedAtMs),
      mode: 0o100644,
      // Weights do not shrink; storing them keeps the export as fast as a copy.
      compress: !file.name.endsWith('.safetensors'),
    }
    zip.addReadStreamLazy(`${rootName}/${file.name}`, options, (start) => start(null, openSealed(join(folder, file.name), file, output)))
  }
  zip.end()
  await pipelineDone(output, createWriteStream(temporary, { flags: 'wx', mode: 0o644 }))
}

/** The bytes of a file; ends the archive with an error when they were not the recorded ones. */
function openSealed(path: string, file: SealedFile, archive: Readable): Readable {
  const hash = createHash('sha256')
  let bytes = 0
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
    flush(done) {
      const isSame = bytes === file.bytes && hash.digest('hex') === file.sha256
      done(isSame ? null : corrupt(`${file.name} was changed after it was checked.`))
    },
  })
  // The archive writer does not listen to its sources: their errors, and its own end, have to be passed on here.
  pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), check, (error) => {
    if (error !== null && error !== undefined) archive.destroy(error)
  })
  archive.once('close', () => check.destroy())
  return check
}
