import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { outcomeOf } from './s3-outcome.ts'

/** The oracle takes no smaller part but for the last. */
const wholePart = Buffer.alloc(5 << 20, 'tunesmith')
const lastPart = Buffer.from('the end')

/** Says what a client sees when it walks through every supported call on an empty bucket. */
export async function runS3Script(client: S3Client, Bucket: string): Promise<Record<string, unknown>> {
  return {
    ...(await walkObjects(client, Bucket)),
    ...(await walkRanges(client, Bucket)),
    ...(await walkLists(client, Bucket)),
    ...(await walkUploads(client, Bucket)),
    ...(await walkRefusedUploads(client, Bucket)),
  }
}

async function walkObjects(client: S3Client, Bucket: string): Promise<Record<string, unknown>> {
  const Key = 'runs/one/data file (1)+ä.jsonl'
  const buckets = await client.send(new ListBucketsCommand())
  const put = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'first' }))
  const again = await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from('second') }))
  const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
  const copy = await client.send(new CopyObjectCommand({ Bucket, Key: 'runs/one/copy', CopySource: encodeURI(`${Bucket}/${Key}`) }))
  return {
    buckets: buckets.Buckets?.map(({ Name }) => Name),
    headBucket: await outcomeOf(client.send(new HeadBucketCommand({ Bucket }))),
    headMissingBucket: await outcomeOf(client.send(new HeadBucketCommand({ Bucket: 'nowhere' }))),
    listMissingBucket: await outcomeOf(client.send(new ListObjectsV2Command({ Bucket: 'nowhere' }))),
    putEtags: [put.ETag, again.ETag],
    head: [head.ContentLength, head.ETag, head.LastModified instanceof Date],
    copy: copy.CopyObjectResult?.ETag,
    copied: await textOf(client, Bucket, 'runs/one/copy'),
    copyMissing: await outcomeOf(client.send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource: `${Bucket}/missing` }))),
    copyItself: await outcomeOf(
      client.send(new CopyObjectCommand({ Bucket, Key: 'runs/one/copy', CopySource: `${Bucket}/runs/one/copy` })),
    ),
    got: await textOf(client, Bucket, Key),
    getMissing: await outcomeOf(client.send(new GetObjectCommand({ Bucket, Key: 'missing' }))),
    headMissing: await outcomeOf(client.send(new HeadObjectCommand({ Bucket, Key: 'missing' }))),
    deleted: await outcomeOf(client.send(new DeleteObjectCommand({ Bucket, Key }))),
    deletedAgain: await outcomeOf(client.send(new DeleteObjectCommand({ Bucket, Key }))),
    gone: await outcomeOf(client.send(new HeadObjectCommand({ Bucket, Key }))),
  }
}

async function walkRanges(client: S3Client, Bucket: string): Promise<Record<string, unknown>> {
  await client.send(new PutObjectCommand({ Bucket, Key: 'ranges', Body: '0123456789' }))
  const got: unknown[] = []
  for (const Range of ['bytes=0-0', 'bytes=3-5', 'bytes=7-', 'bytes=-4', 'bytes=-40', 'bytes=8-99']) {
    const reply = await client.send(new GetObjectCommand({ Bucket, Key: 'ranges', Range }))
    got.push([reply.$metadata.httpStatusCode, reply.ContentRange, reply.ContentLength, await reply.Body?.transformToString()])
  }
  const ifMatch = (IfMatch: string | undefined) => outcomeOf(client.send(new GetObjectCommand({ Bucket, Key: 'ranges', IfMatch })))
  const { ETag } = await client.send(new HeadObjectCommand({ Bucket, Key: 'ranges' }))
  return {
    ranges: got,
    sameVersion: await ifMatch(ETag),
    otherVersion: await ifMatch('"0123456789abcdef0123456789abcdef"'),
    rangeBeyond: await outcomeOf(client.send(new GetObjectCommand({ Bucket, Key: 'ranges', Range: 'bytes=10-' }))),
  }
}

async function walkLists(client: S3Client, Bucket: string): Promise<Record<string, unknown>> {
  for (const Key of ['list/b', 'list/a/1', 'list/a-1', 'list/a/2', 'list/a0', 'listing', 'list/é', 'list/<&>', 'list/Z']) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
  }
  const pages: unknown[] = []
  let token: string | undefined
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'list/', MaxKeys: 3, ...(token === undefined ? {} : { ContinuationToken: token }) }),
    )
    pages.push([page.KeyCount, page.MaxKeys, page.IsTruncated, page.Contents?.map(({ Key, Size, ETag }) => [Key, Size, ETag])])
    token = page.NextContinuationToken
  } while (token !== undefined)
  const narrow = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/a' }))
  const empty = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/none/' }))
  return { pages, narrow: narrow.Contents?.map(({ Key }) => Key), empty: [empty.KeyCount, empty.IsTruncated, empty.Contents] }
}

async function walkUploads(client: S3Client, Bucket: string): Promise<Record<string, unknown>> {
  const Key = 'uploads/whole.tar'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const part = (PartNumber: number, Body: Buffer) => client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
  const last = await part(2, lastPart)
  const replaced = await part(1, Buffer.from('soon replaced'))
  const first = await part(1, wholePart)
  const parts = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }))
  const open = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'uploads/' }))
  const complete = (Parts: { PartNumber: number; ETag: string | undefined }[]) =>
    client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
  const one = { PartNumber: 1, ETag: first.ETag }
  const two = { PartNumber: 2, ETag: last.ETag }
  const invisible = await outcomeOf(client.send(new HeadObjectCommand({ Bucket, Key })))
  const wrongPart = await outcomeOf(complete([{ PartNumber: 1, ETag: replaced.ETag }, two]))
  const done = await complete([one, two])
  const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
  const got = await client.send(new GetObjectCommand({ Bucket, Key }))
  const after = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'uploads/' }))
  return {
    partEtags: [last.ETag, replaced.ETag, first.ETag],
    parts: parts.Parts?.map(({ PartNumber, ETag, Size }) => [PartNumber, ETag, Size]),
    open: open.Uploads?.map((upload) => [upload.Key, upload.UploadId === UploadId]),
    invisible,
    wrongPart,
    done: [done.ETag, done.Bucket, done.Key],
    completeHead: [head.ContentLength, head.ETag],
    completeSha256: createHash('sha256')
      .update((await got.Body?.transformToByteArray()) ?? '')
      .digest('hex'),
    uploadsAfter: after.Uploads ?? [],
  }
}

async function walkRefusedUploads(client: S3Client, Bucket: string): Promise<Record<string, unknown>> {
  const Key = 'uploads/given-up.tar'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: lastPart }))
  const abort = () => outcomeOf(client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })))
  return {
    aborted: await abort(),
    abortedAgain: await abort(),
    neverThere: await outcomeOf(client.send(new HeadObjectCommand({ Bucket, Key }))),
  }
}

async function textOf(client: S3Client, Bucket: string, Key: string): Promise<string | undefined> {
  return (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()
}
