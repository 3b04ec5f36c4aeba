import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createS3Faults, type S3Faults } from './s3-faults.ts'
import { createS3Handler } from './s3-server.ts'

/** The only key the lab lets in. */
export const labKey = { accessKeyId: 'user_lab', secretAccessKey: 'rps_lab' }
const labRegion = 'EU-RO-1'
/** The one volume of the lab. */
export const labBucket = 'volume1'

/** A signed request as it would go over the wire. */
export interface SignedRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

/** One storage on a folder of its own, with one volume and a client that tries once. */
export interface S3Lab {
  readonly url: string
  readonly volumeFolder: string
  readonly faults: S3Faults
  readonly client: S3Client
  connect(changes?: S3ClientConfig): S3Client
  send(request: SignedRequest): Promise<{ status: number; headers: Readonly<Record<string, string | string[] | undefined>>; text: string }>
  close(): Promise<void>
}

/** Opens a storage; `now` is its own clock. */
export async function openS3Lab(now: () => number = Date.now): Promise<S3Lab> {
  const root = await mkdtemp(join(tmpdir(), 'tunesmith-s3-'))
  await mkdir(join(root, labBucket))
  const faults = createS3Faults()
  const handle = createS3Handler({ root, ...labKey, region: labRegion, now, faults })
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const clients: S3Client[] = []
  const connect = (changes: S3ClientConfig = {}) => {
    const client = new S3Client({ ...plainClient(url, labRegion), credentials: labKey, ...changes })
    clients.push(client)
    return client
  }
  return {
    url,
    volumeFolder: join(root, labBucket),
    faults,
    client: connect(),
    connect,
    send: (request) => sendRaw(port, request),
    async close() {
      for (const client of clients) client.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
      await rm(root, { recursive: true })
    },
  }
}

/** The settings with which S3-compatible services are spoken to: one try, no checksums of AWS's own. */
export function plainClient(endpoint: string, region: string): S3ClientConfig {
  return {
    endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  }
}

async function sendRaw(port: number, { method, path, headers, body }: SignedRequest) {
  return new Promise<Awaited<ReturnType<S3Lab['send']>>>((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        outgoing.destroy()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    outgoing.on('error', reject)
    // An announced body that is not given stays owed: the answer must come without it.
    if (body === undefined && headers['content-length'] !== undefined) outgoing.flushHeaders()
    else outgoing.end(body)
  })
}
