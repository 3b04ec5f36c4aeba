import type { IncomingMessage } from 'node:http'
import { notImplemented, S3Refusal } from './s3-refusal.ts'

/** The calls RunPod documents as supported, less the first version of ListObjects. */
export type S3Operation =
  | 'ListBuckets'
  | 'HeadBucket'
  | 'ListObjectsV2'
  | 'ListMultipartUploads'
  | 'HeadObject'
  | 'GetObject'
  | 'PutObject'
  | 'DeleteObject'
  | 'CopyObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'ListParts'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'

/** A request as the protocol reads it. */
export interface S3Request {
  readonly method: string
  /** The path exactly as it was sent: it is signed that way. */
  readonly rawPath: string
  readonly query: URLSearchParams
  readonly bucket: string
  readonly key: string
  readonly incoming: IncomingMessage
}

/** Splits a path-style address into bucket and key. */
export function parseS3Request(incoming: IncomingMessage): S3Request {
  const url = incoming.url ?? '/'
  const cut = url.indexOf('?')
  const rawPath = cut === -1 ? url : url.slice(0, cut)
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(decode(rawPath)) ?? []
  // A plus sign in a query stands for itself in S3, not for a blank.
  const query = new URLSearchParams(cut === -1 ? '' : url.slice(cut + 1).replaceAll('+', '%2B'))
  return { method: incoming.method ?? 'GET', rawPath, query, bucket, key, incoming }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new S3Refusal(400, 'InvalidURI', "Couldn't parse the specified URI.")
  }
}

/** `x-id` is what the AWS SDKs add so that logs can be read. */
const alwaysAllowed = new Set(['x-id'])
const allowedParameters: Readonly<Record<S3Operation, readonly string[]>> = {
  ListBuckets: [],
  HeadBucket: [],
  ListObjectsV2: ['list-type', 'prefix', 'max-keys', 'continuation-token', 'encoding-type'],
  ListMultipartUploads: ['uploads', 'prefix', 'encoding-type'],
  HeadObject: [],
  GetObject: [],
  PutObject: [],
  DeleteObject: [],
  CopyObject: [],
  CreateMultipartUpload: ['uploads'],
  UploadPart: ['partNumber', 'uploadId'],
  ListParts: ['uploadId', 'max-parts', 'part-number-marker'],
  CompleteMultipartUpload: ['uploadId'],
  AbortMultipartUpload: ['uploadId'],
}

/** Names the call; what RunPod does not list is refused, also a parameter that would be ignored in silence. */
export function operationOf(request: S3Request): S3Operation {
  const operation = nameOperation(request)
  if (operation === undefined) throw notImplemented(`${request.method} of this kind`)
  for (const name of request.query.keys()) {
    if (!alwaysAllowed.has(name) && !allowedParameters[operation].includes(name))
      throw notImplemented(`The parameter ${name} of ${operation}`)
  }
  for (const name of Object.keys(request.incoming.headers)) {
    if (isUnsupportedHeader(name) && !isCondition(name, operation)) throw notImplemented(`The header ${name} of ${operation}`)
  }
  return operation
}

function nameOperation({ method, query, bucket, key, incoming }: S3Request): S3Operation | undefined {
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : undefined
  if (key === '') {
    if (method === 'HEAD') return 'HeadBucket'
    if (method !== 'GET') return undefined
    if (query.has('uploads')) return 'ListMultipartUploads'
    return query.get('list-type') === '2' ? 'ListObjectsV2' : undefined
  }
  const isUpload = query.has('uploadId')
  const isCopy = incoming.headers['x-amz-copy-source'] !== undefined
  switch (method) {
    case 'HEAD':
      return 'HeadObject'
    case 'GET':
      return isUpload ? 'ListParts' : 'GetObject'
    case 'DELETE':
      return isUpload ? 'AbortMultipartUpload' : 'DeleteObject'
    case 'PUT':
      if (isUpload) return isCopy ? undefined : 'UploadPart'
      return isCopy ? 'CopyObject' : 'PutObject'
    case 'POST':
      if (isUpload) return 'CompleteMultipartUpload'
      return query.has('uploads') ? 'CreateMultipartUpload' : undefined
    default:
      return undefined
  }
}

const allowedAmzHeaders = new Set(['x-amz-date', 'x-amz-content-sha256', 'x-amz-user-agent', 'x-amz-copy-source'])

/** The one condition that the AWS client sets: the parts of a download are to be of one version. */
function isCondition(name: string, operation: S3Operation): boolean {
  return name === 'if-match' && (operation === 'GetObject' || operation === 'HeadObject')
}

/** Headers that change what a call means; whoever counts on one must learn that it does nothing here. */
function isUnsupportedHeader(name: string): boolean {
  if (name.startsWith('x-amz-')) return !allowedAmzHeaders.has(name)
  return name === 'if-match' || name === 'if-none-match' || name === 'if-modified-since' || name === 'if-unmodified-since'
}
