import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { labBucket as Bucket, openS3Lab, type S3Lab } from '../../support/runpod-cloud/s3/s3-lab.ts'
import { outcomeOf } from '../../support/runpod-cloud/s3/s3-outcome.ts'
import { signRequest } from '../../support/runpod-cloud/s3/s3-signing.ts'

let lab: S3Lab
beforeEach(async () => {
  lab = await openS3Lab()
})
afterEach(() => lab.close())

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')

describe('files and objects are the same thing', () => {
  test('an object is a plain file below the volume, and nothing but it and the hidden folder appears', async () => {
    const bytes = randomBytes(3_000_000)
    const put = await lab.client.send(new PutObjectCommand({ Bucket, Key: 'runs/r1/train.jsonl', Body: bytes }))
    expect(await readFile(join(lab.volumeFolder, 'runs/r1/train.jsonl'))).toEqual(bytes)
    expect((await readdir(lab.volumeFolder)).toSorted()).toEqual(['.s3compat_uploads', 'runs'])
    expect(await readdir(join(lab.volumeFolder, '.s3compat_uploads'))).toEqual([])
    expect(put.ETag).toBe(`"${md5(bytes)}"`)
    expect([lab.faults.traffic.received(Bucket, 'runs/r1/train.jsonl'), lab.faults.traffic.sent(Bucket, 'runs/r1/train.jsonl')]).toEqual([
      3_000_000, 0,
    ])
  })

  test('a file the worker wrote is an object, also after the worker changed it', async () => {
    const path = join(lab.volumeFolder, 'result.json')
    const head = async () => (await lab.client.send(new HeadObjectCommand({ Bucket, Key: 'result.json' }))).ETag
    await lab.client.send(new PutObjectCommand({ Bucket, Key: 'result.json', Body: 'uploaded' }))
    const before = await head()
    await writeFile(path, 'rewritten by the worker')
    expect([before, await head()]).toEqual([`"${md5(Buffer.from('uploaded'))}"`, `"${md5(Buffer.from('rewritten by the worker'))}"`])
    const got = await lab.client.send(new GetObjectCommand({ Bucket, Key: 'result.json' }))
    expect(await got.Body?.transformToString()).toBe('rewritten by the worker')
    expect(lab.faults.traffic.sent(Bucket, 'result.json')).toBe(23)
  })

  test('lists show files of the worker but no folders, no parts and no other bucket', async () => {
    await mkdir(join(lab.volumeFolder, 'runs/empty'), { recursive: true })
    await writeFile(join(lab.volumeFolder, 'runs/log.txt'), 'log')
    await lab.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'runs/half' }))
    const list = await lab.client.send(new ListObjectsV2Command({ Bucket }))
    expect(list.Contents?.map(({ Key }) => Key)).toEqual(['runs/log.txt'])
    expect((await lab.client.send(new ListBucketsCommand())).Buckets?.map(({ Name }) => Name)).toEqual([Bucket])
    const folder = await outcomeOf(lab.client.send(new HeadObjectCommand({ Bucket, Key: 'runs/empty' })))
    expect(folder).toEqual({ status: 404, code: 'NotFound' })
  })

  test.each(['../outside', 'runs/../../outside', 'runs//x', './x', 'folder/', '.s3compat_uploads/x'])(
    'the key %s reaches no file',
    async (Key) => {
      const signed = await signRequest(lab.connect(), (client) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))
      expect([400, 403]).toContain((await lab.send(signed)).status)
      expect(existsSync(join(lab.volumeFolder, '..', 'outside'))).toBe(false)
      expect(await readdir(lab.volumeFolder)).toEqual([])
    },
  )

  test('an object under another object is refused, and the first one stays', async () => {
    await lab.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'first' }))
    expect(await outcomeOf(lab.client.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: 'second' })))).toEqual({
      status: 400,
      code: 'InvalidRequest',
    })
    expect(await readFile(join(lab.volumeFolder, 'a'), 'utf8')).toBe('first')
    expect(await readdir(join(lab.volumeFolder, '.s3compat_uploads'))).toEqual([])
  })
})

describe('limits', () => {
  const announce = async (bytes: number, ask: (client: S3Client) => Promise<unknown>) => {
    const { body: _, ...head } = await signRequest(lab.connect(), ask, { 'content-length': String(bytes) })
    const reply = await lab.send(head)
    return { status: reply.status, code: /<Code>(.*?)<\/Code>/.exec(reply.text)?.[1] }
  }

  test('one PutObject carries less than 500 MB, and the refusal does not wait for the body', async () => {
    const reply = await announce(500_000_000, (client) => client.send(new PutObjectCommand({ Bucket, Key: 'big', Body: 'x' })))
    expect(reply).toEqual({ status: 400, code: 'EntityTooLarge' })
  })

  test('one part carries at most 500 MB', async () => {
    const { UploadId } = await lab.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'big' }))
    const input = { Bucket, Key: 'big', UploadId, PartNumber: 1, Body: 'x' }
    const reply = await announce(500_000_001, (client) => client.send(new UploadPartCommand(input)))
    expect(reply).toEqual({ status: 400, code: 'EntityTooLarge' })
  })

  test('what RunPod does not list is not implemented', async () => {
    const refused = { status: 501, code: 'NotImplemented' }
    const outcomes = await Promise.all([
      outcomeOf(lab.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a' }] } }))),
      outcomeOf(lab.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'a' }))),
      outcomeOf(lab.client.send(new ListObjectsCommand({ Bucket }))),
      outcomeOf(lab.client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }))),
      outcomeOf(lab.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', IfNoneMatch: '*' }))),
      outcomeOf(lab.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', ACL: 'private' }))),
      outcomeOf(lab.connect({ requestChecksumCalculation: 'WHEN_SUPPORTED' }).send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }))),
    ])
    expect(outcomes).toEqual(outcomes.map(() => refused))
    expect(await readdir(lab.volumeFolder)).toEqual([])
  })
})

describe('uploads in parts', () => {
  const Key = 'datasets/train.tar'
  const begin = async () => (await lab.client.send(new CreateMultipartUploadCommand({ Bucket, Key }))).UploadId
  const part = (UploadId: string | undefined, PartNumber: number, Body: Buffer) =>
    lab.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
  const complete = (UploadId: string | undefined, Parts: { PartNumber: number; ETag: string | undefined }[]) =>
    lab.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))

  test('parts of a few bytes, sent together, become the object in their order, and nothing else is left', async () => {
    const UploadId = await begin()
    const bodies = [1, 2, 3, 7].map((PartNumber) => ({ PartNumber, body: randomBytes(100 + PartNumber) }))
    const sent = await Promise.all(
      bodies.map(async ({ PartNumber, body }) => ({ PartNumber, ETag: (await part(UploadId, PartNumber, body)).ETag })),
    )
    expect(await readdir(join(lab.volumeFolder, '.s3compat_uploads'))).toEqual([UploadId])
    const done = await complete(UploadId, sent)
    expect(await readFile(join(lab.volumeFolder, Key))).toEqual(Buffer.concat(bodies.map(({ body }) => body)))
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-4"$/)
    expect((await lab.client.send(new HeadObjectCommand({ Bucket, Key }))).ETag).toBe(done.ETag)
    expect(await readdir(join(lab.volumeFolder, '.s3compat_uploads'))).toEqual([])
  })

  test('an upload that is complete or given up is no longer known to any call', async () => {
    const completeId = await begin()
    const sent = [{ PartNumber: 1, ETag: (await part(completeId, 1, Buffer.from('x'))).ETag }]
    await complete(completeId, sent)
    const abortedId = await begin()
    await lab.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: abortedId }))
    for (const UploadId of [completeId, abortedId, 'never-begun']) {
      const outcomes = [
        await outcomeOf(complete(UploadId, sent)),
        await outcomeOf(part(UploadId, 1, Buffer.from('y'))),
        await outcomeOf(lab.client.send(new ListPartsCommand({ Bucket, Key, UploadId }))),
        await outcomeOf(lab.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))),
      ]
      expect(outcomes).toEqual(outcomes.map(() => ({ status: 404, code: 'NoSuchUpload' })))
    }
    expect(await readFile(join(lab.volumeFolder, Key), 'utf8')).toBe('x')
  })

  test('Complete takes only parts it has, in ascending order, and stays possible after a refusal', async () => {
    const UploadId = await begin()
    const [one, two] = [await part(UploadId, 1, Buffer.from('1')), await part(UploadId, 2, Buffer.from('2'))]
    const first = { PartNumber: 1, ETag: one.ETag }
    const second = { PartNumber: 2, ETag: two.ETag }
    const outcomes = []
    for (const Parts of [
      [second, first],
      [first, first],
      [first, { ...second, ETag: one.ETag }],
      [first, { ...second, PartNumber: 3 }],
      [],
    ]) {
      outcomes.push((await outcomeOf(complete(UploadId, Parts))).code)
    }
    expect(outcomes).toEqual(['InvalidPartOrder', 'InvalidPartOrder', 'InvalidPart', 'InvalidPart', 'MalformedXML'])
    await complete(UploadId, [first, second])
    expect(await readFile(join(lab.volumeFolder, Key), 'utf8')).toBe('12')
  })

  test('two clients that complete at once do not both succeed', async () => {
    const UploadId = await begin()
    const sent = [{ PartNumber: 1, ETag: (await part(UploadId, 1, Buffer.from('x'))).ETag }]
    const outcomes = await Promise.all([outcomeOf(complete(UploadId, sent)), outcomeOf(complete(UploadId, sent))])
    expect(outcomes.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404])
  })

  test('a list of parts comes in pages, and unfinished uploads are found by their prefix', async () => {
    const UploadId = await begin()
    for (const number of [1, 2, 3]) await part(UploadId, number, Buffer.alloc(number))
    const page = await lab.client.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }))
    const rest = await lab.client.send(new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker: page.NextPartNumberMarker }))
    expect([page.Parts?.map(({ Size }) => Size), page.IsTruncated, rest.Parts?.map(({ Size }) => Size), rest.IsTruncated]).toEqual([
      [1, 2],
      true,
      [3],
      false,
    ])
    const found = async (Prefix: string) =>
      (await lab.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }))).Uploads?.length ?? 0
    expect([await found('datasets/'), await found('runs/')]).toEqual([1, 0])
  })

  test.each([0, 10_001])('part number %i is refused', async (number) => {
    expect(await outcomeOf(part(await begin(), number, Buffer.from('x')))).toEqual({ status: 400, code: 'InvalidArgument' })
  })

  test('a copy is a file of its own', async () => {
    await lab.client.send(new PutObjectCommand({ Bucket, Key: 'one', Body: 'text' }))
    await lab.client.send(new CopyObjectCommand({ Bucket, Key: 'two', CopySource: `${Bucket}/one` }))
    await writeFile(join(lab.volumeFolder, 'one'), 'changed')
    expect(await readFile(join(lab.volumeFolder, 'two'), 'utf8')).toBe('text')
  })
})
