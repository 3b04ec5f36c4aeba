import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, ListPartsCommand } from '@aws-sdk/client-s3'
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { pythonCommand, readOutput, runChild } from '../datasets/run-child.ts'
import type { TransferInputs } from './inputs.ts'
import { storageBucket, storageKey, storageRegion, type StorageProcess } from './storage-process.ts'

/** Who moves files. */
export type MoverName = 'tunesmith' | 'curl' | 'aws'
/** Which way. */
export type Direction = 'up' | 'down'

/** What one transfer took. */
export interface Moved {
  readonly ms: number
  /** Most memory above what the process held before; undefined where nobody asks. */
  readonly memoryBytes?: number
}

/** Moves a file up to `key`, or down from it to `file`. */
export type Mover = (direction: Direction, key: string, file: string) => Promise<Moved>

const run = promisify(execFile)
const ownSchema = z.object({ ms: z.number(), idleBytes: z.number() })
const ownScript = fileURLToPath(new URL('./transfer-own.ts', import.meta.url))
/** As many requests at a time as Tunesmith makes. */
const streams = '4'

/** The app's own code in a process of its own; the time counts from the call, because the app is running already. */
export function createOwnMover(storage: StorageProcess, folder: string, sha256: string): Mover {
  return async (direction, key, file) => {
    const output = join(folder, 'own.out')
    const { peakBytes } = await runChild(
      [process.execPath, '--expose-gc', ownScript, direction, storage.url, key, file, sha256, folder],
      output,
    )
    const { ms, idleBytes } = await readOutput(output, ownSchema)
    return { ms, memoryBytes: peakBytes - idleBytes }
  }
}

/** curl: a file down with one request; up in parts that lie ready as files, as no single request may carry so much. */
export function createCurlMover(storage: StorageProcess, parts: TransferInputs['parts']): Mover {
  const user = `${storageKey.accessKeyId}:${storageKey.secretAccessKey}`
  // Older versions of curl leave the hash out, which the protocol demands.
  const signed = (hash: string) => ['-sSf', '--aws-sigv4', `aws:amz:${storageRegion}:s3`, '-u', user, '-H', `x-amz-content-sha256: ${hash}`]
  const urlOf = (key: string) => `${storage.url}/${storageBucket}/${key}`
  return (direction, key, file) =>
    timed(async () => {
      if (direction === 'down') {
        await run('curl', [...signed('UNSIGNED-PAYLOAD'), '-o', file, urlOf(key)])
        return flush(file)
      }
      const upload = { Bucket: storageBucket, Key: key }
      const { UploadId } = await storage.client.send(new CreateMultipartUploadCommand(upload))
      const targets = parts.flatMap(({ path, sha256 }, index) => {
        const url = `${urlOf(key)}?partNumber=${index + 1}&uploadId=${UploadId}`
        return [...(index === 0 ? [] : ['--next']), ...signed(sha256), '-H', 'Expect:', '-T', path, url]
      })
      await run('curl', ['--parallel', '--parallel-max', streams, ...targets])
      const { Parts } = await storage.client.send(new ListPartsCommand({ ...upload, UploadId }))
      await storage.client.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }))
    })
}

/** The AWS command-line client as it comes, but for the checksums that RunPod's storage does not take. */
export function createAwsMover(storage: StorageProcess, folder: string): Mover {
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: storageKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: storageKey.secretAccessKey,
    AWS_DEFAULT_REGION: storageRegion,
    AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
    AWS_RESPONSE_CHECKSUM_VALIDATION: 'when_required',
    AWS_EC2_METADATA_DISABLED: 'true',
    // The settings of whoever runs this are left out.
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
  }
  const copy = (from: string, to: string) =>
    run(pythonCommand(), ['-m', 'awscli', 's3', 'cp', '--endpoint-url', storage.url, '--only-show-errors', from, to], { env })
  return (direction, key, file) =>
    timed(async () => {
      const remote = `s3://${storageBucket}/${key}`
      if (direction === 'up') return void (await copy(file, remote))
      await copy(remote, file)
      await flush(file)
    })
}

async function timed(work: () => Promise<void>): Promise<Moved> {
  const startMs = performance.now()
  await work()
  return { ms: performance.now() - startMs }
}

/** Tunesmith leaves a download on the disk and not only in memory; so do the others. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
