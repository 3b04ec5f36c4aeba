import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { OutgoingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { AppError } from '../../../preload/contract/errors.ts'

/** A stretch of a file. */
export interface FileStretch {
  readonly offset: number
  readonly bytes: number
}

/** Hashes that are taken in one pass over a file while its first parts are already on their way. */
export interface PassingHashes {
  ofPart(index: number): Promise<string>
  whole(): Promise<string>
  stop(): void
}

const chunkBytes = 1 << 20

/** Starts the pass over a file that is cut into these parts, in order and without a gap. */
export function hashInPassing(file: FileHandle, parts: readonly FileStretch[], signal?: AbortSignal): PassingHashes {
  const calledOff = new AbortController()
  const room = Buffer.allocUnsafeSlow(chunkBytes)
  const wholeHash = createHash('sha256')
  const hashPart = async ({ offset, bytes }: FileStretch): Promise<string> => {
    const hash = createHash('sha256')
    for (let done = 0; done < bytes;) {
      signal?.throwIfAborted()
      calledOff.signal.throwIfAborted()
      const chunk = await readInto(room, file, offset + done, bytes - done)
      hash.update(chunk)
      wholeHash.update(chunk)
      done += chunk.length
    }
    return hash.digest('hex')
  }
  const hashes: Promise<string>[] = []
  let before: Promise<unknown> = Promise.resolve()
  for (const part of parts) {
    const hash = before.then(() => hashPart(part))
    hashes.push(hash)
    before = hash
  }
  const whole = before.then(() => wholeHash.digest('hex'))
  // A pass that is called off fails for nobody who still waits.
  void Promise.allSettled([...hashes, whole])
  return {
    ofPart: (index) => hashes[index] ?? Promise.reject(new Error(`There is no part ${index}`)),
    whole: () => whole,
    stop: () => calledOff.abort(new Error('Not needed any more')),
  }
}

/** A stretch as the body of a request, held in memory by two small buffers in turn; `assertSendable` is asked first. */
export function bodyOf(file: FileHandle, stretch: FileStretch, assertSendable: () => Promise<void>): Readable {
  const body = new Readable({
    read() {
      this.destroy(new Error('This body can only be piped into a request'))
    },
  })
  // Readable's own way of piping needs a new buffer for each chunk, which costs more than sending it.
  body.pipe = (request) => {
    if (!(request instanceof OutgoingMessage)) throw new TypeError('This body can only be piped into a request')
    const poured = assertSendable().then(() => pourInto(request, file, stretch))
    poured.then(
      () => request.end(),
      (error: Error) => request.destroy(error),
    )
    return request
  }
  return body
}

async function pourInto(request: OutgoingMessage, file: FileHandle, { offset, bytes }: FileStretch): Promise<void> {
  const rooms = [Buffer.allocUnsafeSlow(Math.min(chunkBytes, bytes)), Buffer.allocUnsafeSlow(Math.min(chunkBytes, bytes))]
  let sent: Promise<void> = Promise.resolve()
  for (let done = 0, turn = 0; done < bytes && !request.destroyed; turn += 1) {
    const room = rooms[turn % rooms.length] ?? Buffer.alloc(0)
    const chunk = await readInto(room, file, offset + done, bytes - done)
    // The other buffer is used again only when the network has taken what is in it.
    await sent
    sent = write(request, chunk)
    done += chunk.length
  }
  await sent
}

function write(request: OutgoingMessage, chunk: Buffer): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    request.write(chunk, (error) => (error === null || error === undefined ? resolve() : reject(error)))
  })
  // It is waited for only after the next chunk was read.
  written.catch((error: Error) => request.destroy(error))
  return written
}

async function readInto(room: Buffer, file: FileHandle, offset: number, wantedBytes: number): Promise<Buffer> {
  const { bytesRead } = await file.read(room, 0, Math.min(room.length, wantedBytes), offset)
  if (bytesRead > 0) return room.subarray(0, bytesRead)
  throw new AppError('VOLUME_UNREADABLE', 'The file became shorter while it was copied to the training volume. Start again.')
}
