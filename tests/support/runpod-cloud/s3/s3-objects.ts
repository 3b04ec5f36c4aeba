import { copyFile, rm } from 'node:fs/promises'
import { receiveFile } from './s3-body.ts'
import { checkLength, faultOf, type S3Answer, type S3Call } from './s3-call.ts'
import { isoTime } from './s3-listing.ts'
import { notImplemented, noSuchKey, S3Refusal } from './s3-refusal.ts'
import { md5OfFile, nothingIfMissing, type S3Volumes } from './s3-volumes.ts'
import { xmlDocument } from './s3-xml.ts'

/** HeadObject and GetObject. */
export async function readObject(volumes: S3Volumes, call: S3Call): Promise<S3Answer> {
  await volumes.bucketFolder(call.bucket)
  const facts = await volumes.facts(call.bucket, call.key)
  if (facts === undefined) throw noSuchKey()
  const { path, sizeBytes } = facts
  const wanted = call.incoming.headers['if-match']
  if (wanted !== undefined && wanted !== '*' && wanted.replaceAll('"', '') !== facts.etag) {
    throw new S3Refusal(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
  }
  const isRangeIgnored = faultOf(call, 'range_ignored') !== undefined
  const range = isRangeIgnored ? undefined : parseRange(call.incoming.headers.range, sizeBytes)
  const { startByte, lengthBytes } = range ?? { startByte: 0, lengthBytes: sizeBytes }
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(lengthBytes),
    etag: `"${facts.etag}"`,
    'last-modified': new Date(facts.modifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
    ...(range === undefined ? {} : { 'content-range': `bytes ${startByte}-${startByte + lengthBytes - 1}/${sizeBytes}` }),
  }
  return { status: range === undefined ? 200 : 206, headers, file: { path, startByte, lengthBytes } }
}

/** One range of bytes; undefined when the whole is to be sent, which several ranges also ask for here. */
function parseRange(header: string | undefined, sizeBytes: number): { startByte: number; lengthBytes: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  const startByte = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const endByte = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  if (startByte > endByte) throw new S3Refusal(416, 'InvalidRange', 'The requested range is not satisfiable')
  return { startByte, lengthBytes: endByte - startByte + 1 }
}

/** PutObject. */
export async function putObject(volumes: S3Volumes, call: S3Call): Promise<S3Answer> {
  const { bucket, key, incoming, bodySha256, traffic } = call
  checkLength(call, false)
  volumes.pathOf(bucket, key)
  const temporary = await volumes.temporaryPath(bucket)
  const { md5 } = await receiveFile(incoming, temporary, {
    sha256: bodySha256,
    cutAfterBytes: faultOf(call, 'cut_upload')?.afterBytes,
    count: (bytes) => traffic.countReceived(bucket, key, bytes),
  })
  await publishOrRemove(volumes, temporary, bucket, key, md5)
  return { status: 200, headers: { etag: `"${md5}"` } }
}

/** DeleteObject, which is content with an object that is not there. */
export async function deleteObject(volumes: S3Volumes, { bucket, key }: S3Call): Promise<S3Answer> {
  await volumes.bucketFolder(bucket)
  const facts = await volumes.facts(bucket, key)
  if (facts !== undefined) await rm(facts.path).catch(nothingIfMissing)
  return { status: 204 }
}

/** CopyObject. */
export async function copyObject(volumes: S3Volumes, { bucket, key, incoming }: S3Call): Promise<S3Answer> {
  const source = sourceOf(String(incoming.headers['x-amz-copy-source']))
  if (source.bucket === bucket && source.key === key) {
    throw new S3Refusal(400, 'InvalidRequest', 'This copy request is illegal because it is trying to copy an object to itself.')
  }
  await volumes.bucketFolder(source.bucket)
  const facts = await volumes.facts(source.bucket, source.key)
  if (facts === undefined) throw noSuchKey()
  volumes.pathOf(bucket, key)
  const temporary = await volumes.temporaryPath(bucket)
  await copyFile(facts.path, temporary)
  const md5 = await md5OfFile(temporary)
  await publishOrRemove(volumes, temporary, bucket, key, md5)
  const copied = await volumes.facts(bucket, key)
  const modified = isoTime(copied?.modifiedMs ?? facts.modifiedMs)
  return {
    status: 200,
    xml: xmlDocument('CopyObjectResult', [
      ['LastModified', modified],
      ['ETag', `"${md5}"`],
    ]),
  }
}

function sourceOf(header: string): { bucket: string; key: string } {
  if (header.includes('?')) throw notImplemented('Copying a version')
  let source: string
  try {
    source = decodeURIComponent(header)
  } catch {
    throw new S3Refusal(400, 'InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey')
  }
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(source) ?? []
  if (bucket === undefined || key === undefined) {
    throw new S3Refusal(400, 'InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey')
  }
  return { bucket, key }
}

/** Publishes finished bytes and leaves nothing behind when the key cannot be taken. */
export async function publishOrRemove(volumes: S3Volumes, temporary: string, bucket: string, key: string, etag: string): Promise<void> {
  try {
    await volumes.publish(temporary, bucket, key, etag)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
