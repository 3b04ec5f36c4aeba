import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createS3Volume } from '../../../main/integrations/volume/s3-volume.ts'
import type { VolumeStore } from '../../../main/integrations/volume/volume-store.ts'
import { createLog } from '../../../main/lib/log.ts'
import { createInstantClock } from '../instant-clock.ts'
import { createS3Faults, type S3Faults } from '../runpod-cloud/s3/s3-faults.ts'
import { createS3Handler } from '../runpod-cloud/s3/s3-server.ts'

/** Sizes that make a file of a few MB a large one. */
export const sizes = { wholeBytes: 64_000, partBytes: 1_000_000, rangeBytes: 250_000, streams: 4 }
export const bucket = 'vol0abc123'
export const secret = 'rps_VERYSECRET0123456789'
const accessKeyId = 'user_2abcDEF'

type VolumeOptions = Parameters<typeof createS3Volume>[0]

/** A real S3 server on loopback, a network volume on it, and what went over the wire. */
export interface S3World {
  readonly root: string
  readonly faults: S3Faults
  /** Method and query of each request, in order. */
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers'] }[]
  readonly logged: string[]
  readonly waits: readonly number[]
  /** Called before the server sees a request; `taken` means that the server never does. */
  intercept: (request: IncomingMessage, response: ServerResponse) => 'taken' | undefined
  serverSkewMs: number
  /** A fresh volume, as after a restart of the app. */
  reopen(options?: Partial<VolumeOptions>): VolumeStore
  /** What a volume in another process is opened with. */
  forProcess(): Record<string, unknown>
  fileOf(key: string): string
  write(key: string, content: Buffer | string): Promise<void>
  read(key: string): Promise<Buffer>
  /** A local file with random content. */
  source(bytes: number): Promise<{ path: string; content: Buffer; sha256: string; key: string }>
  count(method: string, pattern?: RegExp): number
  close(): Promise<void>
}

/** Starts one. */
export async function openS3World(): Promise<S3World> {
  const root = await mkdtemp(join(tmpdir(), 'tunesmith-s3-'))
  const faults = createS3Faults()
  const clock = createInstantClock(Date.now())
  const logged: string[] = []
  const log = createLog((line) => void logged.push(JSON.stringify(line)))
  const server = createServer()
  const fileOf = (key: string) => join(root, 'volumes', bucket, ...key.split('/'))
  await mkdir(fileOf(''), { recursive: true })

  const world: S3World = {
    root,
    faults,
    requests: [],
    logged,
    waits: clock.waits,
    intercept: () => undefined,
    serverSkewMs: 0,
    reopen: (options = {}) =>
      createS3Volume({
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        region: 'EU-RO-1',
        bucket,
        credentials: async () => ({ accessKeyId, secretAccessKey: secret }),
        journalFolder: join(root, 'journal'),
        clock,
        log,
        attempts: 4,
        transferAttempts: 4,
        uploads: { wholeBytes: sizes.wholeBytes, partBytes: sizes.partBytes },
        downloads: { rangeBytes: sizes.rangeBytes },
        ...options,
      }),
    forProcess: () => ({
      accessKeyId,
      secretAccessKey: secret,
      options: {
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        region: 'EU-RO-1',
        bucket,
        journalFolder: join(root, 'journal'),
        uploads: { wholeBytes: sizes.wholeBytes, partBytes: sizes.partBytes },
        downloads: { rangeBytes: sizes.rangeBytes },
      },
    }),
    fileOf,
    async write(key, content) {
      await mkdir(dirname(fileOf(key)), { recursive: true })
      await writeFile(fileOf(key), content)
    },
    read: (key) => readFile(fileOf(key)),
    async source(bytes) {
      const content = randomBytes(bytes)
      const path = join(root, 'source')
      await writeFile(path, content)
      const sha256 = createHash('sha256').update(content).digest('hex')
      return { path, content, sha256, key: `datasets/${sha256}.jsonl` }
    },
    count: (method, pattern = /^/) => world.requests.filter((one) => one.method === method && pattern.test(one.url)).length,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
      await rm(root, { recursive: true, force: true })
    },
  }
  const handle = createS3Handler({
    root: join(root, 'volumes'),
    accessKeyId,
    secretAccessKey: secret,
    region: 'EU-RO-1',
    now: () => Date.now() + world.serverSkewMs,
    faults,
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    world.requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    if (world.serverSkewMs !== 0) response.setHeader('date', new Date(Date.now() + world.serverSkewMs).toUTCString())
    if (world.intercept(request, response) === undefined) void handle(request, response)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return world
}
