import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { publishOrRemove } from './s3-objects.ts'
import { noSuchUpload, S3Refusal } from './s3-refusal.ts'
import { nothingIfMissing, uploadsFolder, type S3Volumes } from './s3-volumes.ts'
import type { NamedPart } from './s3-xml.ts'

const noteName = 'upload.json'
const noteSchema = z.object({ key: z.string(), initiatedMs: z.number() })
const copyChunkBytes = 1 << 20

/** A part that has arrived. */
interface StoredPart {
  readonly partNumber: number
  readonly etag: string
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** An upload that is not complete. */
interface OpenUpload {
  readonly uploadId: string
  readonly key: string
  readonly initiatedMs: number
}

/** Unfinished uploads in the hidden folder of each volume; they outlive the server. */
export interface S3Uploads {
  create(bucket: string, key: string): Promise<string>
  all(bucket: string): Promise<readonly OpenUpload[]>
  parts(bucket: string, key: string, uploadId: string): Promise<readonly StoredPart[]>
  addPart(bucket: string, key: string, uploadId: string, part: { partNumber: number; temporary: string; md5: string }): Promise<void>
  abort(bucket: string, key: string, uploadId: string): Promise<void>
  /** Checks the parts and takes the upload out of sight; its bytes become an object by `merge` or are lost by `lose`. */
  take(bucket: string, key: string, uploadId: string, named: readonly NamedPart[]): Promise<TakenUpload>
}

/** An upload that is being completed: a second Complete no longer finds it. */
export interface TakenUpload {
  readonly etag: string
  merge(): Promise<void>
  lose(): Promise<void>
}

/** Opens the uploads of all volumes. */
export function openS3Uploads(volumes: S3Volumes, now: () => number): S3Uploads {
  const folderOf = async (bucket: string, key: string, uploadId: string) => {
    const folder = join(await volumes.bucketFolder(bucket), uploadsFolder, uploadId)
    const note = isUploadId(uploadId) ? await readNote(folder) : undefined
    if (note?.key !== key) throw noSuchUpload()
    return folder
  }
  return {
    async create(bucket, key) {
      volumes.pathOf(bucket, key)
      const uploadId = randomBytes(24).toString('hex')
      const folder = join(await volumes.bucketFolder(bucket), uploadsFolder, uploadId)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, noteName), JSON.stringify({ key, initiatedMs: now() }))
      return uploadId
    },
    async all(bucket) {
      const folder = join(await volumes.bucketFolder(bucket), uploadsFolder)
      const names = (await readdir(folder).catch(nothingIfMissing)) ?? []
      const found = await Promise.all(
        names.filter(isUploadId).map(async (uploadId) => {
          const note = await readNote(join(folder, uploadId))
          return note === undefined ? [] : [{ uploadId, ...note }]
        }),
      )
      return found
        .flat()
        .toSorted((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : one.initiatedMs - other.initiatedMs))
    },
    async parts(bucket, key, uploadId) {
      return readParts(await folderOf(bucket, key, uploadId))
    },
    async addPart(bucket, key, uploadId, { partNumber, temporary, md5 }) {
      const folder = await folderOf(bucket, key, uploadId)
      const older = (await readParts(folder)).filter((part) => part.partNumber === partNumber)
      const path = join(folder, `${String(partNumber).padStart(5, '0')}-${md5}`)
      if ((await rename(temporary, path).then(() => true, nothingIfMissing)) === undefined) throw noSuchUpload()
      await Promise.all(older.filter((part) => part.path !== path).map((part) => rm(part.path, { force: true })))
    },
    async abort(bucket, key, uploadId) {
      await rm(await folderOf(bucket, key, uploadId), { recursive: true, force: true })
    },
    async take(bucket, key, uploadId, named) {
      const folder = await folderOf(bucket, key, uploadId)
      const chosen = choose(await readParts(folder), named)
      const taken = join(await volumes.bucketFolder(bucket), uploadsFolder, `merging-${uploadId}`)
      if ((await rename(folder, taken).then(() => true, nothingIfMissing)) === undefined) throw noSuchUpload()
      const etag = etagOfParts(chosen)
      return {
        etag,
        async merge() {
          const temporary = await volumes.temporaryPath(bucket)
          try {
            for (const part of chosen) await append(join(taken, part.path.slice(folder.length + 1)), temporary)
            await publishOrRemove(volumes, temporary, bucket, key, etag)
          } catch (error) {
            await rm(temporary, { force: true })
            await rename(taken, folder)
            throw error
          }
          await rm(taken, { recursive: true })
        },
        lose: () => rm(taken, { recursive: true }),
      }
    },
  }
}

function isUploadId(text: string): boolean {
  return /^[0-9a-f]{48}$/.test(text)
}

async function readNote(folder: string): Promise<z.infer<typeof noteSchema> | undefined> {
  const text = await readFile(join(folder, noteName), 'utf8').catch(nothingIfMissing)
  return text === undefined ? undefined : noteSchema.parse(JSON.parse(text))
}

async function readParts(folder: string): Promise<readonly StoredPart[]> {
  const names = (await readdir(folder).catch(nothingIfMissing)) ?? []
  const found = await Promise.all(
    names.toSorted().map(async (name): Promise<StoredPart[]> => {
      const [, number, etag] = /^(\d{5})-([0-9a-f]{32})$/.exec(name) ?? []
      const path = join(folder, name)
      const facts = number === undefined ? undefined : await stat(path).catch(nothingIfMissing)
      if (etag === undefined || facts === undefined) return []
      return [{ partNumber: Number(number), etag, path, sizeBytes: facts.size, modifiedMs: facts.mtimeMs }]
    }),
  )
  return found.flat()
}

function choose(stored: readonly StoredPart[], named: readonly NamedPart[]): readonly StoredPart[] {
  return named.map((name, index) => {
    const previous = named[index - 1]
    if (previous !== undefined && previous.partNumber >= name.partNumber) {
      throw new S3Refusal(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.')
    }
    const part = stored.find((one) => one.partNumber === name.partNumber && one.etag === name.etag)
    if (part === undefined) throw new S3Refusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.')
    return part
  })
}

function etagOfParts(parts: readonly StoredPart[]): string {
  const digests = Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex')))
  return `${createHash('md5').update(digests).digest('hex')}-${parts.length}`
}

async function append(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from, { highWaterMark: copyChunkBytes }), createWriteStream(to, { flags: 'a' }))
}
