import { z } from 'zod'
import { AppError } from '../../../preload/contract/errors.ts'

const bytesSchema = z.int().nonnegative()
/** Some stores leave the tag out; then the size alone tells two versions apart. */
const etagSchema = z.string().max(200).optional().default('')

/** Size and version of a stored file. */
export const headSchema = z
  .object({ ContentLength: bytesSchema, ETag: etagSchema })
  .transform(({ ContentLength: bytes, ETag: etag }) => ({ bytes, etag: bareTag(etag) }))

/** Number of a new upload in parts. */
export const createdSchema = z.object({ UploadId: z.string().min(1).max(2000) }).transform(({ UploadId: uploadId }) => uploadId)

/** Receipt for one part. */
export const partSchema = z.object({ ETag: z.string().min(1).max(200) }).transform(({ ETag: etag }) => etag)

/** One page of the parts that the store holds. */
export const partsPageSchema = z
  .object({
    Parts: z
      .array(z.object({ PartNumber: z.int().positive(), ETag: etagSchema, Size: bytesSchema }))
      .optional()
      .default([]),
    IsTruncated: z.boolean().optional().default(false),
    NextPartNumberMarker: z.string().optional(),
  })
  .transform(({ Parts, IsTruncated, NextPartNumberMarker }) => ({
    entries: Parts.map(({ PartNumber: number, ETag: etag, Size: bytes }) => ({ number, etag: bareTag(etag), bytes })),
    next: IsTruncated ? (NextPartNumberMarker ?? '') : null,
  }))

/** One page of a listing. */
export const listPageSchema = z
  .object({
    Contents: z
      .array(z.object({ Key: z.string(), Size: bytesSchema }))
      .optional()
      .default([]),
    IsTruncated: z.boolean().optional().default(false),
    NextContinuationToken: z.string().optional(),
  })
  .transform(({ Contents, IsTruncated, NextContinuationToken }) => ({
    entries: Contents.map(({ Key: key, Size: bytes }) => ({ key, bytes })),
    next: IsTruncated ? (NextContinuationToken ?? '') : null,
  }))

/** A version tag without the marks that proxies change. */
export function bareTag(etag: string): string {
  return etag.replace(/^W\//, '').replaceAll('"', '').toLowerCase()
}

/** The answer in the app's words, or an error that says which field is wrong. */
export function readReply<T>(schema: z.ZodType<T>, reply: unknown, what: string): T {
  const parsed = schema.safeParse(reply)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues[0]?.path.join('.') || 'the answer'
  throw new AppError(
    'RUNPOD_REPLY_INVALID',
    `The network volume gave an answer that cannot be read (${what}: ${where}). Try again later.`,
    {
      retryable: true,
      details: { what, where },
    },
  )
}

/** Where the bytes of an answer begin and how long the whole file is; undefined when the server sent no range. */
export function readContentRange(header: string | undefined): { from: number; totalBytes: number } | undefined {
  const match = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/.exec(header ?? '')
  return match === null ? undefined : { from: Number(match[1]), totalBytes: Number(match[2]) }
}
