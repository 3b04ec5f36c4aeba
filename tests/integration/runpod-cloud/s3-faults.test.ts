import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { labBucket as Bucket, openS3Lab, type S3Lab } from '../../support/runpod-cloud/s3/s3-lab.ts'
import { outcomeOf } from '../../support/runpod-cloud/s3/s3-outcome.ts'

const Key = 'datasets/train.tar'
let lab: S3Lab
beforeEach(async () => {
  lab = await openS3Lab()
})
afterEach(() => lab.close())

const head = () => outcomeOf(lab.client.send(new HeadObjectCommand({ Bucket, Key })))
const missing = { status: 404, code: 'NotFound' }

/** An upload of one part, ready to be completed. */
async function readyUpload() {
  const { UploadId } = await lab.client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const { ETag } = await lab.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'whole' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  return {
    complete: () => statusOf(lab.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))),
    listParts: () => outcomeOf(lab.client.send(new ListPartsCommand({ Bucket, Key, UploadId }))),
  }
}

/** The status alone, also of a page that is no S3 answer. */
async function statusOf(sent: Promise<{ $metadata: { httpStatusCode?: number } }>): Promise<number | undefined> {
  return sent.then(
    (reply) => reply.$metadata.httpStatusCode,
    (error: { $response?: { statusCode?: number } }) => error.$response?.statusCode,
  )
}

describe('completing an upload', () => {
  test('524 and an object that is there all the same', async () => {
    lab.faults.add({ kind: 'complete_timeout' })
    const upload = await readyUpload()
    expect(await upload.complete()).toBe(524)
    expect(await readFile(join(lab.volumeFolder, Key), 'utf8')).toBe('whole')
    expect(await upload.complete()).toBe(404)
  })

  test('524 and an object that appears after some HEADs, with no upload to complete in between', async () => {
    lab.faults.add({ kind: 'complete_timeout', headsBefore: 2 })
    const upload = await readyUpload()
    expect(await upload.complete()).toBe(524)
    expect(await upload.listParts()).toEqual({ status: 404, code: 'NoSuchUpload' })
    expect(await upload.complete()).toBe(404)
    expect([await head(), await head(), await head()]).toEqual([missing, missing, { status: 200 }])
    expect(await readFile(join(lab.volumeFolder, Key), 'utf8')).toBe('whole')
  })

  test('NoSuchUpload although it was done', async () => {
    lab.faults.add({ kind: 'complete_unknown' })
    const upload = await readyUpload()
    expect([await upload.complete(), await head()]).toEqual([404, { status: 200 }])
  })

  test('success and no object', async () => {
    lab.faults.add({ kind: 'complete_lost' })
    const upload = await readyUpload()
    expect([await upload.complete(), await head()]).toEqual([200, missing])
    expect(existsSync(join(lab.volumeFolder, Key))).toBe(false)
  })
})

describe('transfers', () => {
  const bytes = randomBytes(5_000_000)

  test('an upload that is cut has moved exactly so many bytes and made nothing', async () => {
    lab.faults.add({ kind: 'cut_upload', afterBytes: 1_234_567 })
    await expect(lab.client.send(new PutObjectCommand({ Bucket, Key, Body: bytes }))).rejects.toThrow(/ECONNRESET|EPIPE|socket hang up/)
    expect(lab.faults.traffic.received(Bucket, Key)).toBe(1_234_567)
    expect(await head()).toEqual(missing)
    await vi.waitFor(async () => expect(await readdir(join(lab.volumeFolder, '.s3compat_uploads'))).toEqual([]))
    await lab.client.send(new PutObjectCommand({ Bucket, Key, Body: bytes }))
    expect(lab.faults.traffic.received(Bucket, Key)).toBe(6_234_567)
  })

  test('a download that is cut delivers exactly so many bytes and then breaks', async () => {
    await lab.client.send(new PutObjectCommand({ Bucket, Key, Body: bytes }))
    lab.faults.add({ kind: 'cut_download', afterBytes: 2_345_678 })
    const got = await lab.client.send(new GetObjectCommand({ Bucket, Key }))
    const arrived: Buffer[] = []
    const read = async () => {
      for await (const chunk of got.Body as AsyncIterable<Buffer>) arrived.push(chunk)
    }
    await expect(read()).rejects.toThrow('aborted')
    expect(Buffer.concat(arrived)).toEqual(bytes.subarray(0, 2_345_678))
    expect(lab.faults.traffic.sent(Bucket, Key)).toBe(2_345_678)
  })

  test('a cut before the first byte of a body still shows the head of the answer', async () => {
    await lab.client.send(new PutObjectCommand({ Bucket, Key, Body: bytes }))
    lab.faults.add({ kind: 'cut_download', afterBytes: 0 })
    const got = await lab.client.send(new GetObjectCommand({ Bucket, Key }))
    expect(got.ContentLength).toBe(5_000_000)
    await expect(got.Body?.transformToByteArray()).rejects.toThrow('aborted')
    expect(lab.faults.traffic.sent(Bucket, Key)).toBe(0)
  })

  test('an ignored range sends everything, with 200', async () => {
    await lab.client.send(new PutObjectCommand({ Bucket, Key, Body: 'everything' }))
    lab.faults.add({ kind: 'range_ignored', times: null })
    const got = await lab.client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=5-' }))
    expect([got.$metadata.httpStatusCode, got.ContentRange, await got.Body?.transformToString()]).toEqual([200, undefined, 'everything'])
  })
})

describe('answers', () => {
  test('a list that repeats its token never ends', async () => {
    for (const name of ['a', 'b', 'c']) await writeFile(join(lab.volumeFolder, name), name)
    lab.faults.add({ kind: 'list_repeats', times: null })
    const page = (token?: string) => {
      return lab.client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ...(token === undefined ? {} : { ContinuationToken: token }) }))
    }
    const first = await page()
    const second = await page(first.NextContinuationToken)
    expect(first.NextContinuationToken).toEqual(expect.any(String))
    expect([second.IsTruncated, second.NextContinuationToken]).toEqual([true, first.NextContinuationToken])
    lab.faults.clear()
    expect((await page(first.NextContinuationToken)).Contents?.map((one) => one.Key)).toEqual(['c'])
  })

  test('a full volume takes nothing but is still read', async () => {
    await writeFile(join(lab.volumeFolder, 'old'), 'old')
    lab.faults.add({ kind: 'no_space', times: null })
    const full = { status: 507, code: 'InsufficientStorage' }
    expect(await outcomeOf(lab.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))).toEqual(full)
    expect(await outcomeOf(lab.client.send(new CreateMultipartUploadCommand({ Bucket, Key })))).toEqual(full)
    expect(await outcomeOf(lab.client.send(new HeadObjectCommand({ Bucket, Key: 'old' })))).toEqual({ status: 200 })
    expect(await head()).toEqual(missing)
  })

  test('the n-th call is answered 502, and the retry of a client gets through', async () => {
    lab.faults.add({ kind: 'status', operation: 'PutObject', nth: 2 })
    const put = () => statusOf(lab.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))
    expect([await put(), await put(), await put()]).toEqual([200, 502, 200])
    lab.faults.add({ kind: 'status', status: 503, times: 2 })
    const patient = lab.connect({ maxAttempts: 3 })
    const reply = await patient.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    expect(reply.$metadata.attempts).toBe(3)
  })

  test('a fault strikes only the keys and calls it names', async () => {
    lab.faults.add({ kind: 'status', status: 500, key: 'runs/*', times: null })
    const put = (name: string) => statusOf(lab.client.send(new PutObjectCommand({ Bucket, Key: name, Body: 'x' })))
    expect([await put('runs/r1/a'), await put('other'), await put('runs/r2')]).toEqual([500, 200, 500])
    expect(() => lab.faults.add({ kind: 'cut_upload', afterBytes: -1 })).toThrow('afterBytes')
  })
})
