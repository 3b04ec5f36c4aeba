import { S3Client } from '@aws-sdk/client-s3'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { plainClient } from '../../support/runpod-cloud/s3/s3-lab.ts'

/** The key that the storage lets in. */
export const storageKey = { accessKeyId: 'user_bench', secretAccessKey: 'rps_bench' }
/** The data centre that requests are signed for. */
export const storageRegion = 'EU-RO-1'
/** The one volume. */
export const storageBucket = 'volume1'

/** A running storage. */
export interface StorageProcess {
  readonly url: string
  /** A client for what only prepares or ends a transfer. */
  readonly client: S3Client
  /** Where the file of a key lies. */
  fileOf(key: string): string
  close(): Promise<void>
}

/** Starts the storage in a process of its own, so that neither its time nor its memory counts for a client. */
export async function startStorage(root: string): Promise<StorageProcess> {
  const volumeFolder = join(root, storageBucket)
  await mkdir(volumeFolder, { recursive: true })
  const script = fileURLToPath(new URL('./storage.ts', import.meta.url))
  const child = spawn(process.execPath, [script, root], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const failed = exit.then(() => Promise.reject(new Error('The storage did not start')))
  const [port] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), failed])
  // From here on its end is expected.
  failed.catch(() => undefined)
  const url = `http://127.0.0.1:${port}`
  const client = new S3Client({ ...plainClient(url, storageRegion), credentials: storageKey })
  return {
    url,
    client,
    fileOf: (key) => join(volumeFolder, ...key.split('/')),
    async close() {
      client.destroy()
      child.stdin.end()
      await exit
    },
  }
}
