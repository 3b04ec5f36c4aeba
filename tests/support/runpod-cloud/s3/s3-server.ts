import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { assertNever } from '../../../../main/lib/assert-never.ts'
import { CutConnection, sendFile } from './s3-body.ts'
import { faultOf, proxyPage, type S3Answer, type S3Call } from './s3-call.ts'
import { createS3Faults, type S3Faults } from './s3-faults.ts'
import { listBuckets, listObjects } from './s3-listing.ts'
import { createS3Multipart, type S3Multipart } from './s3-multipart.ts'
import { copyObject, deleteObject, putObject, readObject } from './s3-objects.ts'
import { refusalOf, S3Refusal } from './s3-refusal.ts'
import { operationOf, parseS3Request } from './s3-request.ts'
import { verifySignature } from './s3-signature.ts'
import { openS3Uploads } from './s3-uploads.ts'
import { openS3Volumes, type S3Volumes } from './s3-volumes.ts'
import { xmlError } from './s3-xml.ts'

interface S3HandlerOptions {
  /** Each folder in it is a bucket, each file below that an object. */
  readonly root: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  now(): number
  readonly faults?: S3Faults
}

/** RunPod's S3 of network volumes over plain folders, with its limits and, on demand, its misfortunes. */
export function createS3Handler(options: S3HandlerOptions): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const volumes = openS3Volumes(options.root)
  const multipart = createS3Multipart(volumes, openS3Uploads(volumes, options.now))
  const faults = options.faults ?? createS3Faults()
  return async (incoming, response) => {
    const requestId = randomBytes(8).toString('hex').toUpperCase()
    response.setHeader('x-amz-request-id', requestId)
    let call: S3Call | undefined
    try {
      const { asked, struck } = ask(incoming, faults)
      const page = struck.find((fault) => fault.kind === 'status')
      if (page !== undefined) return await send(response, incoming, proxyPage(page.status))
      call = { ...asked, faults: struck, traffic: faults.traffic, bodySha256: verifySignature(asked, options) }
      if (faultOf(call, 'no_space') !== undefined) throw new S3Refusal(507, 'InsufficientStorage', 'There is no space left on the volume.')
      await send(response, incoming, await answer(call, volumes, multipart), call)
    } catch (error) {
      if (error instanceof CutConnection || isGone(incoming, response)) return
      const refusal = refusalOf(error) ?? new S3Refusal(500, 'InternalError', String(error))
      const xml = xmlError(refusal.code, refusal.message, incoming.url ?? '', requestId)
      await send(response, incoming, { status: refusal.status, xml })
    }
  }
}

/** Reads the request; presigned addresses are refused before anything else about them is. */
function ask(incoming: IncomingMessage, faults: S3Faults) {
  const request = parseS3Request(incoming)
  if ([...request.query.keys()].some((name) => /^X-Amz-(Signature|Algorithm)$|^Signature$/.test(name))) {
    throw new S3Refusal(403, 'AccessDenied', 'Presigned URLs are not supported.')
  }
  const asked = { ...request, operation: operationOf(request) }
  return { asked, struck: faults.strike(asked.operation, request) }
}

async function answer(call: S3Call, volumes: S3Volumes, multipart: S3Multipart): Promise<S3Answer> {
  switch (call.operation) {
    case 'ListBuckets':
      return { status: 200, xml: await listBuckets(volumes) }
    case 'HeadBucket':
      await volumes.bucketFolder(call.bucket)
      return { status: 200 }
    case 'ListObjectsV2':
      return { status: 200, xml: await listObjects(volumes, call.bucket, call.query, faultOf(call, 'list_repeats') !== undefined) }
    case 'HeadObject':
      await multipart.beforeHead(call.bucket, call.key)
      return readObject(volumes, call)
    case 'GetObject':
      return readObject(volumes, call)
    case 'PutObject':
      return putObject(volumes, call)
    case 'DeleteObject':
      return deleteObject(volumes, call)
    case 'CopyObject':
      return copyObject(volumes, call)
    case 'CreateMultipartUpload':
      return multipart.create(call)
    case 'UploadPart':
      return multipart.uploadPart(call)
    case 'ListParts':
      return multipart.listParts(call)
    case 'ListMultipartUploads':
      return multipart.listUploads(call)
    case 'CompleteMultipartUpload':
      return multipart.complete(call)
    case 'AbortMultipartUpload':
      return multipart.abort(call)
    default:
      return assertNever(call.operation)
  }
}

async function send(response: ServerResponse, incoming: IncomingMessage, reply: S3Answer, call?: S3Call): Promise<void> {
  const { status, headers, file } = reply
  const isHead = incoming.method === 'HEAD'
  if (file !== undefined && call !== undefined && !isHead) {
    response.writeHead(status, headers)
    const { bucket, key, traffic } = call
    const cutAfterBytes = faultOf(call, 'cut_download')?.afterBytes
    return sendFile(response, { ...file, cutAfterBytes, count: (bytes) => traffic.countSent(bucket, key, bytes) })
  }
  const text = reply.xml ?? reply.html ?? ''
  const type = reply.xml !== undefined ? 'application/xml' : reply.html !== undefined ? 'text/html; charset=UTF-8' : undefined
  const known = { ...(type === undefined ? {} : { 'content-type': type }), ...headers }
  // 204 has no body, and what HEAD says of a file's length stays.
  const length = status === 204 || file !== undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) }
  response.writeHead(status, { ...known, ...length })
  response.end(isHead ? undefined : text)
}

/** True when the client left, or the answer is half sent: no error can be told any more. */
function isGone(incoming: IncomingMessage, response: ServerResponse): boolean {
  if (!response.headersSent) return incoming.socket.destroyed
  response.destroy()
  return true
}
