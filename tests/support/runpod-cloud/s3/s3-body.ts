import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { S3Refusal } from './s3-refusal.ts'

const chunkBytes = 1 << 20

/** Thrown where a fault has broken the connection: there is nobody left to answer. */
export class CutConnection extends Error {}

interface Expected {
  /** The sha256 that was signed; undefined for UNSIGNED-PAYLOAD. */
  readonly sha256: string | undefined
  readonly cutAfterBytes: number | undefined
  count(bytes: number): void
}

interface Received {
  readonly md5: string
  readonly sizeBytes: number
}

/** Writes a request's body to a file that exists only when all of it came as announced and signed. */
export async function receiveFile(incoming: IncomingMessage, path: string, expected: Expected): Promise<Received> {
  const hashes = createHashes(expected.sha256)
  const file = await open(path, 'w')
  let sizeBytes = 0
  let waiting: Buffer[] = []
  let waitingBytes = 0
  const flush = async () => {
    const chunks = waiting
    waiting = []
    waitingBytes = 0
    if (chunks.length > 0) await file.writev(chunks)
  }
  try {
    for await (const chunk of bodyOf(incoming, expected)) {
      sizeBytes += chunk.length
      hashes.update(chunk)
      waiting.push(chunk)
      waitingBytes += chunk.length
      if (waitingBytes >= chunkBytes) await flush()
    }
    await flush()
    await file.close()
    return { md5: hashes.finish(incoming), sizeBytes }
  } catch (error) {
    await file.close().catch(ignoreClosed)
    await rm(path, { force: true })
    throw error
  }
}

/** Reads a short body, such as the list of parts. */
export async function receiveText(incoming: IncomingMessage, sha256: string | undefined, maxBytes: number): Promise<string> {
  const hashes = createHashes(sha256)
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of bodyOf(incoming, { cutAfterBytes: undefined, count: () => undefined })) {
    sizeBytes += chunk.length
    hashes.update(chunk)
    if (sizeBytes <= maxBytes) chunks.push(chunk)
  }
  if (sizeBytes > maxBytes) throw new S3Refusal(400, 'MaxMessageLengthExceeded', 'Your request was too big.')
  hashes.finish(incoming)
  return Buffer.concat(chunks).toString('utf8')
}

async function* bodyOf(
  incoming: IncomingMessage,
  { cutAfterBytes, count }: Pick<Expected, 'cutAfterBytes' | 'count'>,
): AsyncGenerator<Buffer> {
  let receivedBytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    receivedBytes += chunk.length
    if (cutAfterBytes !== undefined && receivedBytes > cutAfterBytes) {
      count(chunk.length - (receivedBytes - cutAfterBytes))
      incoming.socket.destroy()
      throw new CutConnection('The connection was cut while the body arrived.')
    }
    count(chunk.length)
    yield chunk
  }
}

function createHashes(sha256: string | undefined) {
  const md5 = createHash('md5')
  const signed: Hash | undefined = sha256 === undefined ? undefined : createHash('sha256')
  return {
    update(chunk: Buffer): void {
      md5.update(chunk)
      signed?.update(chunk)
    },
    finish({ headers }: IncomingMessage): string {
      if (signed !== undefined && signed.digest('hex') !== sha256) {
        throw new S3Refusal(
          400,
          'XAmzContentSHA256Mismatch',
          "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
      }
      const digest = md5.digest()
      const contentMd5 = headers['content-md5']
      if (contentMd5 !== undefined && contentMd5 !== digest.toString('base64')) {
        throw new S3Refusal(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
      }
      return digest.toString('hex')
    },
  }
}

interface Sending {
  readonly path: string
  readonly startByte: number
  readonly lengthBytes: number
  readonly cutAfterBytes: number | undefined
  count(bytes: number): void
}

/** Sends a stretch of a file as the answer's body; the head is written already. */
export async function sendFile(response: ServerResponse, sending: Sending): Promise<void> {
  const { path, startByte, lengthBytes, cutAfterBytes = lengthBytes, count } = sending
  const isCut = cutAfterBytes < lengthBytes
  const sendBytes = Math.min(cutAfterBytes, lengthBytes)
  response.flushHeaders()
  if (sendBytes > 0) {
    const source = createReadStream(path, { start: startByte, end: startByte + sendBytes - 1, highWaterMark: chunkBytes })
    source.on('data', (chunk) => count(chunk.length))
    await pipeline(source, response, { end: !isCut })
  }
  if (!isCut) return void response.end()
  // Ending the socket, not destroying it: what was sent before the cut does arrive.
  response.socket?.end()
  if (response.socket?.destroyed === false) await once(response.socket, 'close')
  throw new CutConnection('The connection was cut while the body was sent.')
}

function ignoreClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EBADF') throw error
}
