import { S3Refusal } from './s3-refusal.ts'
import { encode } from './s3-signature.ts'
import type { S3Volumes } from './s3-volumes.ts'
import { xmlDocument, type XmlElement } from './s3-xml.ts'

const maxPageKeys = 1000

/** When something was changed, as lists word it. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** Reads `encoding-type`, with which a client asks for keys in percent encoding. */
export function keyWording(query: URLSearchParams): (key: string) => string {
  const wanted = query.get('encoding-type')
  if (wanted !== null && wanted !== 'url') throw new S3Refusal(400, 'InvalidArgument', 'Invalid Encoding Method specified in Request')
  return wanted === null ? (key) => key : (key) => encode(key).replaceAll('%2F', '/')
}

/** Reads a limit of a page. */
export function pageLimit(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? String(maxPageKeys)
  if (!/^\d{1,9}$/.test(text)) throw new S3Refusal(400, 'InvalidArgument', `Argument ${name} must be an integer between 0 and 2147483647`)
  return Math.min(Number(text), maxPageKeys)
}

/** ListBuckets: every volume of the account. */
export async function listBuckets(volumes: S3Volumes): Promise<string> {
  const buckets = (await volumes.buckets()).map(({ name, createdMs }): XmlElement => [
    'Bucket',
    [
      ['Name', name],
      ['CreationDate', isoTime(createdMs)],
    ],
  ])
  return xmlDocument('ListAllMyBucketsResult', [
    ['Owner', [['ID', 'owner']]],
    ['Buckets', buckets],
  ])
}

/** One page of ListObjectsV2; `isRepeating` gives out the first page and the same token again and again. */
export async function listObjects(volumes: S3Volumes, bucket: string, query: URLSearchParams, isRepeating: boolean): Promise<string> {
  const prefix = query.get('prefix') ?? ''
  const maxKeys = pageLimit(query, 'max-keys')
  const given = query.get('continuation-token')
  const word = keyWording(query)
  const after = given === null || isRepeating ? undefined : Buffer.from(readToken(given))
  const all = await volumes.keys(bucket, prefix)
  const rest = after === undefined ? all : all.filter((key) => Buffer.compare(Buffer.from(key), after) > 0)
  const page = rest.slice(0, maxKeys)
  const last = page.at(-1)
  const isTruncated = isRepeating || (maxKeys > 0 && rest.length > page.length)
  const contents = await Promise.all(page.map((key) => contentOf(volumes, bucket, key, word)))
  return xmlDocument('ListBucketResult', [
    ['Name', bucket],
    ['Prefix', word(prefix)],
    ['MaxKeys', maxKeys],
    ['KeyCount', page.length],
    ['IsTruncated', isTruncated],
    ...(given === null ? [] : [['ContinuationToken', given] as const]),
    ...(isTruncated ? [['NextContinuationToken', tokenAfter(last ?? '')] as const] : []),
    ...(query.has('encoding-type') ? [['EncodingType', 'url'] as const] : []),
    ...contents.flat(),
  ])
}

async function contentOf(volumes: S3Volumes, bucket: string, key: string, word: (key: string) => string): Promise<readonly XmlElement[]> {
  const facts = await volumes.facts(bucket, key)
  // A worker may have removed it since the names were read.
  if (facts === undefined) return []
  return [
    [
      'Contents',
      [
        ['Key', word(key)],
        ['LastModified', isoTime(facts.modifiedMs)],
        ['ETag', `"${facts.etag}"`],
        ['Size', facts.sizeBytes],
        ['StorageClass', 'STANDARD'],
      ],
    ],
  ]
}

function tokenAfter(key: string): string {
  return Buffer.from(`after:${key}`).toString('base64url')
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8')
  if (!text.startsWith('after:')) throw new S3Refusal(400, 'InvalidArgument', 'The continuation token provided is incorrect')
  return text.slice('after:'.length)
}
