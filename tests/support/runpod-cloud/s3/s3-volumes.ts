import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { S3Refusal } from './s3-refusal.ts'

/** Where RunPod keeps the parts of unfinished uploads; no key reaches into it. */
export const uploadsFolder = '.s3compat_uploads'
const etagsFolder = '.s3-etags'
const readChunkBytes = 1 << 20

/** What HEAD says about a file. */
interface ObjectFacts {
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly etag: string
}

/** The volumes' folders as buckets of plain files. */
export interface S3Volumes {
  buckets(): Promise<readonly { name: string; createdMs: number }[]>
  /** The folder of a bucket; refuses what is no volume. */
  bucketFolder(bucket: string): Promise<string>
  pathOf(bucket: string, key: string): string
  facts(bucket: string, key: string): Promise<ObjectFacts | undefined>
  /** All keys that start with a prefix, in the order of their UTF-8 bytes. */
  keys(bucket: string, prefix: string): Promise<readonly string[]>
  /** A new name beside the uploads, for bytes that are no object yet. */
  temporaryPath(bucket: string): Promise<string>
  /** Makes finished bytes the object, at once. */
  publish(temporary: string, bucket: string, key: string, etag: string): Promise<void>
}

const savedEtagSchema = z.object({ sizeBytes: z.string(), modifiedNs: z.string(), etag: z.string() })

/** Opens the volumes below `root`; ETags of uploads lie beside them, those of other files are their MD5. */
export function openS3Volumes(root: string): S3Volumes {
  const etags = createEtags(root)
  const bucketFolder = async (bucket: string) => {
    const folder = join(root, bucket)
    const found = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(bucket) ? await statOrNothing(folder) : undefined
    if (found?.isDirectory() !== true) throw new S3Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist.')
    return folder
  }
  const pathOf = (bucket: string, key: string) => {
    checkKey(key)
    return join(root, bucket, key)
  }
  return {
    bucketFolder,
    pathOf,
    async buckets() {
      const entries = await readdir(root, { withFileTypes: true })
      const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name)
      return Promise.all(names.toSorted().map(async (name) => ({ name, createdMs: (await stat(join(root, name))).birthtimeMs })))
    },
    async facts(bucket, key) {
      const path = pathOf(bucket, key)
      const found = await statOrNothing(path)
      if (found?.isFile() !== true) return undefined
      const etag = await etags.of(bucket, key, path, found)
      return { path, sizeBytes: Number(found.size), modifiedMs: Number(found.mtimeMs), etag }
    },
    async keys(bucket, prefix) {
      const folder = await bucketFolder(bucket)
      const start = prefix.slice(0, prefix.lastIndexOf('/') + 1)
      if (start.split('/').includes('..')) return []
      const keys = await filesBelow(folder, start)
      return keys.filter((key) => key.startsWith(prefix)).toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    },
    async temporaryPath(bucket) {
      const folder = join(await bucketFolder(bucket), uploadsFolder)
      await mkdir(folder, { recursive: true })
      return join(folder, `writing-${randomUUID()}`)
    },
    async publish(temporary, bucket, key, etag) {
      const path = pathOf(bucket, key)
      await mkdir(dirname(path), { recursive: true }).catch(refuseFileInTheWay)
      const facts = await stat(temporary, { bigint: true })
      await etags.save(bucket, key, facts, etag)
      await rename(temporary, path).catch(refuseFileInTheWay)
    },
  }
}

type BigFacts = Awaited<ReturnType<typeof statOrNothing>> & object

function createEtags(root: string) {
  const computed = new Map<string, string>()
  const fileOf = (bucket: string, key: string) => join(root, etagsFolder, bucket, `${createHash('sha256').update(key).digest('hex')}.json`)
  return {
    async save(bucket: string, key: string, facts: BigFacts, etag: string): Promise<void> {
      const file = fileOf(bucket, key)
      await mkdir(dirname(file), { recursive: true })
      const partial = `${file}.${randomUUID()}`
      await writeFile(partial, JSON.stringify({ sizeBytes: String(facts.size), modifiedNs: String(facts.mtimeNs), etag }))
      await rename(partial, file)
    },
    async of(bucket: string, key: string, path: string, facts: BigFacts): Promise<string> {
      const saved = await readFile(fileOf(bucket, key), 'utf8').catch(nothingIfMissing)
      const known = saved === undefined ? undefined : savedEtagSchema.parse(JSON.parse(saved))
      if (known?.sizeBytes === String(facts.size) && known.modifiedNs === String(facts.mtimeNs)) return known.etag
      const version = `${path}\n${facts.size}\n${facts.mtimeNs}`
      const etag = computed.get(version) ?? (await md5OfFile(path))
      computed.set(version, etag)
      return etag
    },
  }
}

/** The MD5 of a file, read in pieces. */
export async function md5OfFile(path: string): Promise<string> {
  const hash = createHash('md5')
  for await (const chunk of createReadStream(path, { highWaterMark: readChunkBytes })) hash.update(chunk)
  return hash.digest('hex')
}

async function filesBelow(folder: string, start: string): Promise<string[]> {
  const keys: string[] = []
  const waiting = [start]
  for (let prefix = waiting.pop(); prefix !== undefined; prefix = waiting.pop()) {
    const entries = (await readdir(join(folder, prefix), { withFileTypes: true }).catch(nothingIfMissing)) ?? []
    for (const entry of entries) {
      const key = `${prefix}${entry.name}`
      if (key === uploadsFolder) continue
      if (entry.isDirectory()) waiting.push(`${key}/`)
      else if (entry.isFile()) keys.push(key)
    }
  }
  return keys
}

function checkKey(key: string): void {
  const segments = key.split('/')
  if (Buffer.byteLength(key) > 1024) throw new S3Refusal(400, 'KeyTooLongError', 'Your key is too long.')
  if (segments[0] === uploadsFolder) throw new S3Refusal(403, 'AccessDenied', 'Access Denied.')
  if (key.includes('\0') || segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new S3Refusal(400, 'InvalidRequest', 'The key is not a path of a file on the volume.')
  }
}

async function statOrNothing(path: string) {
  return stat(path, { bigint: true }).catch(nothingIfMissing)
}

/** Lets only a missing file pass, as undefined. */
export function nothingIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
  return undefined
}

function refuseFileInTheWay(error: NodeJS.ErrnoException): never {
  if (!['ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY'].includes(error.code ?? '')) throw error
  throw new S3Refusal(400, 'InvalidRequest', 'Another file or folder lies where the key leads.')
}
