import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { bytesSchema, sha256Schema } from '../../../preload/contract/primitives.ts'
import { writeFileAtomically } from '../../lib/atomic-file.ts'

const putSchema = z.object({ v: z.literal(1), kind: z.literal('put'), totalBytes: bytesSchema, receivedBytes: bytesSchema })
const getSchema = z.object({
  v: z.literal(1),
  kind: z.literal('get'),
  totalBytes: bytesSchema,
  pieces: z.array(z.object({ bytes: z.int().positive(), sha256: sha256Schema })),
})

/** How far an upload has come: what the worker last said. */
export type PutJournal = z.infer<typeof putSchema>
/** How far a download has come: the pieces that lie in the partial file, in order. */
export type GetJournal = z.infer<typeof getSchema>

/** Notes on unfinished transfers that outlive the app; a note that cannot be read is as good as none. */
export interface TransferJournal {
  findPut(name: string): Promise<PutJournal | undefined>
  findGet(name: string): Promise<GetJournal | undefined>
  save(name: string, note: PutJournal | GetJournal): Promise<void>
  forget(name: string): Promise<void>
}

/** Builds the notes in a folder, one small file per transfer. */
export function createTransferJournal(folder: string): TransferJournal {
  const pathOf = (name: string) => join(folder, `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.json`)
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
    async save(name, note) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFileAtomically(pathOf(name), JSON.stringify(note))
    },
    forget: (name) => rm(pathOf(name), { force: true }),
  }
}

/** The pieces of a note that the partial file really holds; what a crash tore is cut off and fetched again. */
export async function keepIntactPieces(file: FileHandle, note: GetJournal | undefined): Promise<GetJournal['pieces']> {
  const intact: GetJournal['pieces'] = []
  let offset = 0
  const { size } = await file.stat()
  for (const piece of note?.pieces ?? []) {
    if (offset + piece.bytes > Math.min(size, note?.totalBytes ?? 0)) break
    if ((await hashOfStretch(file, offset, piece.bytes)) !== piece.sha256) break
    intact.push(piece)
    offset += piece.bytes
  }
  if (size !== offset) await file.truncate(offset)
  return intact
}

async function hashOfStretch(file: FileHandle, offset: number, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(Math.min(bytes, 1 << 20))
  for (let done = 0; done < bytes;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, bytes - done), offset + done)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    done += bytesRead
  }
  return hash.digest('hex')
}

/** Opens a file for reading and writing, and makes it when it is not there. */
export async function openPartial(path: string): Promise<FileHandle> {
  const appended = await open(path, 'a', 0o600)
  await appended.close()
  return open(path, 'r+')
}
