import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { bytesSchema, sha256Schema } from '../../../preload/contract/primitives.ts'
import { writeFileAtomically } from '../../lib/atomic-file.ts'
import { createLimit } from './jobs-limit.ts'

const putSchema = z.object({
  v: z.literal(1),
  kind: z.literal('s3-put'),
  totalBytes: bytesSchema,
  sha256: sha256Schema,
  partBytes: z.int().positive(),
  uploadId: z.string().min(1),
  parts: z.array(z.object({ number: z.int().positive(), etag: z.string().min(1), sha256: sha256Schema })),
})
const getSchema = z.object({
  v: z.literal(1),
  kind: z.literal('s3-get'),
  totalBytes: bytesSchema,
  etag: z.string(),
  rangeBytes: z.int().positive(),
  ranges: z.array(z.int().nonnegative()),
})

/** How far an upload in parts has come. */
type PutNote = z.infer<typeof putSchema>
/** Which ranges of a download lie in the partial file. */
type GetNote = z.infer<typeof getSchema>

/** Notes on unfinished transfers that outlive the app; a note that cannot be read is as good as none. */
export interface S3Journal {
  findPut(name: string): Promise<PutNote | undefined>
  findGet(name: string): Promise<GetNote | undefined>
  /** Notes of several streams are written one after the other, so the last one given stays. */
  save(name: string, note: PutNote | GetNote): Promise<void>
  forget(name: string): Promise<void>
}

/** Builds the notes in a folder, one small file per transfer; `scope` keeps those of two volumes apart. */
export function createS3Journal(folder: string, scope: string): S3Journal {
  const inTurn = createLimit(1)
  const pathOf = (name: string) => join(folder, `${createHash('sha256').update(`${scope}\n${name}`).digest('hex').slice(0, 32)}.json`)
  const find = async <T>(name: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    try {
      return schema.safeParse(JSON.parse(await readFile(pathOf(name), 'utf8'))).data
    } catch (error) {
      const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (isAbsent || error instanceof SyntaxError) return undefined
      throw error
    }
  }
  return {
    findPut: (name) => find(name, putSchema),
    findGet: (name) => find(name, getSchema),
    save: (name, note) =>
      inTurn(async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await writeFileAtomically(pathOf(name), JSON.stringify(note))
      }),
    forget: (name) => inTurn(() => rm(pathOf(name), { force: true })),
  }
}
