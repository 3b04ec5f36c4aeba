import { z } from 'zod'
import type { S3Operation, S3Request } from './s3-request.ts'

const when = {
  /** Only calls of this name, as `UploadPart`. */
  operation: z.string().optional(),
  /** Only this key; a closing `*` stands for anything. */
  key: z.string().optional(),
  /** The first matching call it strikes, counted from when it was added. */
  nth: z.int().positive().default(1),
  /** How many matching calls in a row it strikes; null for all. */
  times: z.int().positive().nullable().default(1),
}

/** What a misfortune of the storage is told as. */
export const s3FaultSchema = z.discriminatedUnion('kind', [
  /** The proxy gives up with a page of HTML; nothing was done. */
  z.strictObject({ ...when, kind: z.literal('status'), status: z.int().default(502) }),
  /** Complete answers 524 and the object appears after so many HEADs that do not find it. */
  z.strictObject({ ...when, kind: z.literal('complete_timeout'), headsBefore: z.int().nonnegative().default(0) }),
  /** Complete does its work and says NoSuchUpload. */
  z.strictObject({ ...when, kind: z.literal('complete_unknown') }),
  /** Complete says that all is well and the object is nowhere. */
  z.strictObject({ ...when, kind: z.literal('complete_lost') }),
  /** The connection breaks after so many bytes of the request's body. */
  z.strictObject({ ...when, kind: z.literal('cut_upload'), afterBytes: z.int().nonnegative() }),
  /** The connection breaks after so many bytes of the answer's body. */
  z.strictObject({ ...when, kind: z.literal('cut_download'), afterBytes: z.int().nonnegative() }),
  /** A list gives out the first page and one token for ever. */
  z.strictObject({ ...when, kind: z.literal('list_repeats') }),
  /** 507 to a call that writes. */
  z.strictObject({ ...when, kind: z.literal('no_space') }),
  /** The whole object is sent, with 200, whatever range was asked for. */
  z.strictObject({ ...when, kind: z.literal('range_ignored') }),
])

/** One misfortune of the storage, as plain data. */
export type S3Fault = z.infer<typeof s3FaultSchema>
type S3FaultInput = z.input<typeof s3FaultSchema>

/** The calls each kind can strike; a `status` strikes any. */
const operations: Readonly<Record<S3Fault['kind'], readonly S3Operation[] | 'any'>> = {
  status: 'any',
  complete_timeout: ['CompleteMultipartUpload'],
  complete_unknown: ['CompleteMultipartUpload'],
  complete_lost: ['CompleteMultipartUpload'],
  cut_upload: ['PutObject', 'UploadPart'],
  cut_download: ['GetObject'],
  list_repeats: ['ListObjectsV2'],
  no_space: ['PutObject', 'UploadPart', 'CopyObject', 'CreateMultipartUpload', 'CompleteMultipartUpload'],
  range_ignored: ['GetObject'],
}

/** Scripted misfortunes of the storage, changed while it runs. */
export interface S3Faults {
  add(fault: S3FaultInput): void
  clear(): void
  /** The faults that strike a call; each is counted as having seen it. */
  strike(operation: S3Operation, request: S3Request): readonly S3Fault[]
  /** Bytes of bodies by `bucket/key`: what arrived here and what was sent. */
  readonly traffic: S3Traffic
}

/** Counts what really went over the wire. */
export interface S3Traffic {
  received(bucket: string, key: string): number
  sent(bucket: string, key: string): number
  countReceived(bucket: string, key: string, bytes: number): void
  countSent(bucket: string, key: string, bytes: number): void
  reset(): void
}

/** Makes an empty script. */
export function createS3Faults(): S3Faults {
  let rules: { readonly fault: S3Fault; seen: number }[] = []
  return {
    traffic: createTraffic(),
    add(fault) {
      rules.push({ fault: s3FaultSchema.parse(fault), seen: 0 })
    },
    clear() {
      rules = []
    },
    strike(operation, request) {
      return rules.flatMap((rule) => {
        if (!matches(rule.fault, operation, request.key)) return []
        rule.seen += 1
        const { nth, times } = rule.fault
        return rule.seen >= nth && (times === null || rule.seen < nth + times) ? [rule.fault] : []
      })
    },
  }
}

function matches(fault: S3Fault, operation: S3Operation, key: string): boolean {
  const possible = operations[fault.kind]
  if (possible !== 'any' && !possible.includes(operation)) return false
  if (fault.operation !== undefined && fault.operation !== operation) return false
  if (fault.key === undefined) return true
  return fault.key.endsWith('*') ? key.startsWith(fault.key.slice(0, -1)) : key === fault.key
}

function createTraffic(): S3Traffic {
  const inward = new Map<string, number>()
  const outward = new Map<string, number>()
  const count = (counts: Map<string, number>, bucket: string, key: string, bytes: number) => {
    const name = `${bucket}/${key}`
    counts.set(name, (counts.get(name) ?? 0) + bytes)
  }
  return {
    received: (bucket, key) => inward.get(`${bucket}/${key}`) ?? 0,
    sent: (bucket, key) => outward.get(`${bucket}/${key}`) ?? 0,
    countReceived: (bucket, key, bytes) => count(inward, bucket, key, bytes),
    countSent: (bucket, key, bytes) => count(outward, bucket, key, bytes),
    reset() {
      inward.clear()
      outward.clear()
    },
  }
}
