import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { AppError } from '../../../preload/contract/errors.ts'
import type { S3Fault } from './s3-failure.ts'
import {
  bareTag,
  createdSchema,
  headSchema,
  listPageSchema,
  partSchema,
  partsPageSchema,
  readContentRange,
  readReply,
} from './s3-replies.ts'
import { createClient, createFileClient, createSend, type S3Access } from './s3-send.ts'

/** Bytes to send with their SHA-256, taken while they were read so that no request hashes many megabytes at once. */
export interface HashedBytes {
  readonly bytes: Buffer
  readonly sha256: string
}

/** A part on its way; its body is made anew for each try. */
interface HashedPart {
  readonly bytes: number
  readonly sha256: string
  body(): Readable
}

/** An opened download; `from` is null when the whole file comes, asked for or not. */
export interface OpenedFile {
  readonly body: Readable
  readonly etag: string
  readonly from: number | null
  readonly totalBytes: number | null
}

/** The few requests that this app makes to a network volume. */
export type S3Calls = ReturnType<typeof createS3Calls>

type Signal = AbortSignal | undefined

/** Builds them over one bucket. */
export function createS3Calls(access: S3Access) {
  const client = createClient(access)
  // Putting parts together takes minutes without a sign of life, so there only the deadline of the request counts.
  const patientClient = createClient(access, 0)
  const fileClient = createFileClient(access)
  const send = createSend(access)
  const Bucket = access.bucket

  /** Asks something that is answered in words; throws the error for what they say. */
  const assertReachable = async (Prefix: string, signal?: Signal): Promise<void> => {
    await send((abortSignal) => client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }), options(abortSignal)), { signal })
  }

  return {
    ...createUploadCalls(access, send, client, patientClient),
    /** Size and version; undefined when the answer is 404, which may also mean that there is no such volume. */
    async head(Key: string, signal?: Signal) {
      const sent = await send((abortSignal) => client.send(new HeadObjectCommand({ Bucket, Key }), options(abortSignal)), {
        key: Key,
        signal,
        // An answer to HEAD has no body that could say why.
        expected: ['absent', 'refused', 'unclear', 'no_volume'],
      })
      if ('value' in sent) return readReply(headSchema, sent.value, 'HeadObject')
      if (sent.fault.kind === 'absent') return undefined
      await assertReachable(Key, signal)
      throw refusedForNoReason(Key, sent.fault)
    },
    assertReachable,
    async put(Key: string, { bytes, sha256 }: HashedBytes, signal?: Signal): Promise<void> {
      const command = () => {
        const put = new PutObjectCommand({ Bucket, Key, Body: bytes, ContentLength: bytes.length })
        put.middlewareStack.add((next) => (args) => next(withHash(args, sha256)), knownHash)
        return put
      }
      await send((abortSignal) => client.send(command(), options(abortSignal)), { key: Key, signal })
    },
    /** Opens a file or a stretch of it with one request; undefined when it is absent. */
    async open(Key: string, range?: { from: number; to: number }, signal?: Signal, attempts = 1): Promise<OpenedFile | undefined> {
      const Range = range === undefined ? undefined : `bytes=${range.from}-${range.to}`
      const sent = await send((abortSignal) => fileClient.send(new GetObjectCommand({ Bucket, Key, Range }), options(abortSignal)), {
        key: Key,
        signal,
        attempts,
        expected: ['absent'],
      })
      if ('fault' in sent) return undefined
      const { Body, ETag = '', ContentRange, ContentLength } = sent.value
      if (!(Body instanceof Readable)) throw noBody(Key)
      const stretch = readContentRange(ContentRange)
      const totalBytes = stretch?.totalBytes ?? ContentLength ?? null
      return { body: Body, etag: bareTag(ETag), from: stretch?.from ?? null, totalBytes }
    },
    /** A small file as a whole; undefined when it is absent. */
    async read(Key: string, maxBytes: number): Promise<Buffer | undefined> {
      const sent = await send(async () => readAll(await client.send(new GetObjectCommand({ Bucket, Key })), Key, maxBytes), {
        key: Key,
        expected: ['absent'],
      })
      return 'fault' in sent ? undefined : sent.value
    },
    async listPage(Prefix: string, token: string | undefined) {
      const command = () => new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken: token })
      const sent = await send((abortSignal) => client.send(command(), options(abortSignal)), { key: Prefix })
      return readReply(listPageSchema, valueOf(sent), 'ListObjectsV2')
    },
    async remove(Key: string): Promise<void> {
      await send((abortSignal) => client.send(new DeleteObjectCommand({ Bucket, Key }), options(abortSignal)), {
        key: Key,
        expected: ['absent'],
      })
    },
  }
}

function createUploadCalls(
  { bucket: Bucket, transferAttempts }: S3Access,
  send: ReturnType<typeof createSend>,
  client: ReturnType<typeof createClient>,
  patientClient: ReturnType<typeof createClient>,
) {
  return {
    async createUpload(Key: string, signal?: Signal): Promise<string> {
      const command = () => new CreateMultipartUploadCommand({ Bucket, Key })
      const sent = await send((abortSignal) => client.send(command(), options(abortSignal)), { key: Key, signal })
      return readReply(createdSchema, valueOf(sent), 'CreateMultipartUpload')
    },
    async uploadPart(
      { key: Key, uploadId: UploadId, number: PartNumber }: { key: string; uploadId: string; number: number },
      { body, bytes, sha256 }: HashedPart,
      signal?: Signal,
    ): Promise<string> {
      const command = () => {
        const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body: body(), ContentLength: bytes })
        part.middlewareStack.add((next) => (args) => next(withHash(args, sha256)), knownHash)
        return part
      }
      const sent = await send((abortSignal) => client.send(command(), options(abortSignal)), {
        key: Key,
        signal,
        attempts: transferAttempts,
        expected: ['no_upload', 'absent'],
      })
      return 'fault' in sent ? 'no_upload' : readReply(partSchema, sent.value, 'UploadPart')
    },
    /** One page of what the store holds of an upload. */
    async listPartsPage(Key: string, UploadId: string, marker: string | undefined, signal?: Signal) {
      const command = () => new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker: marker })
      const sent = await send((abortSignal) => client.send(command(), options(abortSignal)), {
        key: Key,
        signal,
        expected: ['no_upload', 'absent'],
      })
      return 'fault' in sent ? ('no_upload' as const) : readReply(partsPageSchema, sent.value, 'ListParts')
    },
    /** Asks once to put the parts together; whether a fault means that it failed is seen only by looking at the file. */
    async complete(
      { key: Key, uploadId: UploadId, parts }: { key: string; uploadId: string; parts: readonly { number: number; etag: string }[] },
      timeoutMs: number,
      signal?: Signal,
    ): Promise<'done' | S3Fault> {
      const Parts = parts.map(({ number: PartNumber, etag: ETag }) => ({ PartNumber, ETag }))
      const command = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } })
      const sent = await send((abortSignal) => patientClient.send(command, { ...options(abortSignal), requestTimeout: timeoutMs }), {
        key: Key,
        signal,
        attempts: 1,
        expected: ['passing', 'no_upload', 'absent', 'bad_parts'],
      })
      return 'fault' in sent ? sent.fault : 'done'
    },
    async abortUpload(Key: string, UploadId: string): Promise<void> {
      const command = () => new AbortMultipartUploadCommand({ Bucket, Key, UploadId })
      await send((abortSignal) => client.send(command(), options(abortSignal)), {
        key: Key,
        expected: ['no_upload', 'absent', 'unclear', 'passing'],
        attempts: 1,
      })
    },
  }
}

function options(abortSignal: Signal) {
  return abortSignal === undefined ? {} : { abortSignal }
}

const knownHash = { step: 'build', name: 'knownHash' } as const

/** Gives the signer the hash that is known already. */
function withHash<A>(args: A, sha256: string): A {
  setHeader(args, 'x-amz-content-sha256', sha256)
  return args
}

async function readAll({ Body, ContentLength }: GetObjectCommandOutput, key: string, maxBytes: number): Promise<Buffer> {
  if (!(Body instanceof Readable)) throw noBody(key)
  const chunks: Buffer[] = []
  let bytes = ContentLength ?? 0
  if (bytes <= maxBytes) {
    bytes = 0
    const body: AsyncIterable<Buffer> = Body
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxBytes) break
      chunks.push(chunk)
    }
  }
  if (bytes <= maxBytes) return Buffer.concat(chunks)
  Body.destroy()
  throw new AppError('VOLUME_UNREADABLE', `${key} is larger than expected (${bytes} bytes, at most ${maxBytes}).`, {
    details: { key, size: bytes },
  })
}

function setHeader(args: unknown, name: string, value: string): void {
  if (typeof args !== 'object' || args === null || !('request' in args)) return
  const { request } = args
  if (typeof request !== 'object' || request === null || !('headers' in request)) return
  const { headers } = request
  if (typeof headers === 'object' && headers !== null) Reflect.set(headers, name, value)
}

function valueOf<T>(sent: { value: T } | { fault: { kind: never } }): T {
  if ('value' in sent) return sent.value
  return sent.fault.kind
}

function refusedForNoReason(key: string, { status }: S3Fault): AppError {
  return new AppError('ENDPOINT_REFUSED', `RunPod does not let this S3 key see ${key}. Check the key under Endpoints.`, {
    details: { key, status },
  })
}

function noBody(key: string): AppError {
  return new AppError('RUNPOD_REPLY_INVALID', `The network volume sent ${key} without content. Try again later.`, { retryable: true })
}
