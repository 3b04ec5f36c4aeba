import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { labBucket as Bucket, labKey, openS3Lab, type S3Lab, type SignedRequest } from '../../support/runpod-cloud/s3/s3-lab.ts'
import { outcomeOf } from '../../support/runpod-cloud/s3/s3-outcome.ts'
import { signRequest } from '../../support/runpod-cloud/s3/s3-signing.ts'

let lab: S3Lab
let skewMs = 0
beforeEach(async () => {
  skewMs = 0
  lab = await openS3Lab(() => Date.now() + skewMs)
})
afterEach(() => lab.close())

const put = (client: S3Client) => client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'signed body' }))
const list = (client: S3Client) => client.send(new ListObjectsV2Command({ Bucket, Prefix: 'runs/', MaxKeys: 5 }))

async function answerTo(request: SignedRequest): Promise<{ status: number; code: string | undefined }> {
  const { status, text } = await lab.send(request)
  return { status, code: /<Code>(.*?)<\/Code>/.exec(text)?.[1] }
}

describe('who is let in', () => {
  test.each(['plain', 'with space', 'plus+sign', "quote's (1)!*", 'ümläut/日本', '100%25', 'a&b=c?d#e', 'tilde~_-.'])(
    'the key %s is signed alike on both sides',
    async (Key) => {
      expect(await outcomeOf(lab.client.send(new PutObjectCommand({ Bucket, Key, Body: Key })))).toEqual({ status: 200 })
      const found = await lab.client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }))
      expect(found.Contents?.map((one) => one.Key)).toEqual([Key])
    },
  )

  test('a data centre in the other case is the same region, another one is not', async () => {
    const inCase = await outcomeOf(list(lab.connect({ region: 'eu-ro-1' })))
    const elsewhere = await outcomeOf(list(lab.connect({ region: 'US-KS-2' })))
    expect([inCase, elsewhere]).toEqual([{ status: 200 }, { status: 400, code: 'AuthorizationHeaderMalformed' }])
  })

  test.each([
    { credentials: { ...labKey, secretAccessKey: 'rps_other' }, code: 'SignatureDoesNotMatch' },
    { credentials: { ...labKey, accessKeyId: 'user_other' }, code: 'InvalidAccessKeyId' },
  ])('a wrong key is told apart: $code', async ({ credentials, code }) => {
    expect(await outcomeOf(list(lab.connect({ credentials })))).toEqual({ status: 403, code })
  })

  test('nobody in particular is refused', async () => {
    expect(await answerTo({ method: 'GET', path: `/${Bucket}/a`, headers: {} })).toEqual({ status: 403, code: 'AccessDenied' })
  })

  test.each([
    { minutes: 59, outcome: { status: 200 } },
    { minutes: -59, outcome: { status: 200 } },
    { minutes: 61, outcome: { status: 403, code: 'RequestTimeTooSkewed' } },
    { minutes: -61, outcome: { status: 403, code: 'RequestTimeTooSkewed' } },
  ])('clocks $minutes minutes apart: $outcome.status', async ({ minutes, outcome }) => {
    skewMs = minutes * 60_000
    expect(await outcomeOf(list(lab.client))).toEqual(outcome)
  })

  test('presigned addresses of either kind are refused', async () => {
    const modern = `/${Bucket}/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&X-Amz-Signature=${'0'.repeat(64)}`
    const old = `/${Bucket}/a?AWSAccessKeyId=user&Expires=1&Signature=x`
    for (const path of [modern, old])
      expect(await answerTo({ method: 'GET', path, headers: {} })).toEqual({ status: 403, code: 'AccessDenied' })
  })
})

describe('what was signed is what counts', () => {
  test('a request that was changed on the way is refused, wherever it was changed', async () => {
    const good = await signRequest(lab.connect(), list)
    expect(await answerTo(good)).toEqual({ status: 200, code: undefined })
    const changed = [
      { ...good, path: good.path.replace('runs', 'runz') },
      { ...good, path: good.path.replace('max-keys=5', 'max-keys=6') },
      { ...good, headers: { ...good.headers, host: 'elsewhere' } },
      { ...good, headers: { ...good.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
    ]
    for (const request of changed) {
      expect(request).not.toEqual(good)
      expect(await answerTo(request)).toEqual({ status: 403, code: 'SignatureDoesNotMatch' })
    }
    const added = { ...good, headers: { ...good.headers, 'x-amz-copy-source': '/other/secret' } }
    expect(await answerTo(added)).toEqual({ status: 403, code: 'AccessDenied' })
  })

  test('a body other than the signed one makes no object', async () => {
    const good = await signRequest(lab.connect(), put)
    expect(await answerTo({ ...good, body: 'forged body' })).toEqual({ status: 400, code: 'XAmzContentSHA256Mismatch' })
    expect(await outcomeOf(lab.client.send(new HeadObjectCommand({ Bucket, Key: 'a' })))).toEqual({ status: 404, code: 'NotFound' })
    expect(await answerTo(good)).toEqual({ status: 200, code: undefined })
  })

  test('a body other than its Content-MD5 makes no object', async () => {
    const wrong = new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', ContentMD5: Buffer.alloc(16).toString('base64') })
    expect(await outcomeOf(lab.client.send(wrong))).toEqual({ status: 400, code: 'BadDigest' })
  })

  test('an unsigned payload of known length is taken, one without a length is not', async () => {
    const Body = () => Readable.from([Buffer.from('streamed '), Buffer.from('bytes')])
    const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
    const stream = (input: { ContentLength?: number }) => (client: S3Client) =>
      client.send(new PutObjectCommand({ Bucket, Key: 's', Body: Body(), ...input }))
    const known = await signRequest(lab.connect({ logger: silent }), stream({ ContentLength: 14 }))
    expect(known.headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD')
    expect(await answerTo({ ...known, body: 'streamed bytes' })).toEqual({ status: 200, code: undefined })
    const got = await lab.client.send(new GetObjectCommand({ Bucket, Key: 's' }))
    expect(await got.Body?.transformToString()).toBe('streamed bytes')
    const { 'content-length': _, ...headers } = known.headers
    const chunked = await signRequest(lab.connect({ logger: silent }), stream({}))
    expect(await answerTo({ ...chunked, headers: { ...headers, ...chunked.headers, 'transfer-encoding': 'chunked' }, body: 'x' })).toEqual({
      status: 411,
      code: 'MissingContentLength',
    })
  })

  test('the chunked signing of AWS is not implemented', async () => {
    const signed = await signRequest(lab.connect(), put, { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' })
    expect(await answerTo(signed)).toEqual({ status: 501, code: 'NotImplemented' })
  })
})
