import { rm } from 'node:fs/promises'
import { receiveFile, receiveText } from './s3-body.ts'
import { checkLength, faultOf, proxyPage, type S3Answer, type S3Call } from './s3-call.ts'
import { isoTime, keyWording, pageLimit } from './s3-listing.ts'
import { noSuchUpload, S3Refusal } from './s3-refusal.ts'
import type { S3Uploads, TakenUpload } from './s3-uploads.ts'
import type { S3Volumes } from './s3-volumes.ts'
import { parseCompleteBody, xmlDocument, type XmlElement } from './s3-xml.ts'

const maxPartNumber = 10_000
const maxCompleteBodyBytes = 4 << 20

/** The calls of uploads in parts. */
export interface S3Multipart {
  create(call: S3Call): Promise<S3Answer>
  uploadPart(call: S3Call): Promise<S3Answer>
  listParts(call: S3Call): Promise<S3Answer>
  listUploads(call: S3Call): Promise<S3Answer>
  complete(call: S3Call): Promise<S3Answer>
  abort(call: S3Call): Promise<S3Answer>
  /** Told of every HEAD before it is answered: objects that appear late appear here. */
  beforeHead(bucket: string, key: string): Promise<void>
}

/** Builds the multipart calls on the volumes. */
export function createS3Multipart(volumes: S3Volumes, uploads: S3Uploads): S3Multipart {
  const late = createLateObjects()
  return {
    beforeHead: late.beforeHead,
    async create({ bucket, key }) {
      const uploadId = await uploads.create(bucket, key)
      const content = [
        ['Bucket', bucket],
        ['Key', key],
        ['UploadId', uploadId],
      ] as const
      return { status: 200, xml: xmlDocument('InitiateMultipartUploadResult', content) }
    },
    uploadPart: (call) => uploadPart(volumes, uploads, call),
    listParts: (call) => listParts(uploads, call),
    async listUploads({ bucket, query }) {
      const prefix = query.get('prefix') ?? ''
      const word = keyWording(query)
      const open = (await uploads.all(bucket)).filter((upload) => upload.key.startsWith(prefix))
      const found = open.map(({ key, uploadId, initiatedMs }): XmlElement => {
        return [
          'Upload',
          [
            ['Key', word(key)],
            ['UploadId', uploadId],
            ['StorageClass', 'STANDARD'],
            ['Initiated', isoTime(initiatedMs)],
          ],
        ]
      })
      const head: readonly XmlElement[] = [
        ['Bucket', bucket],
        ['Prefix', word(prefix)],
        ['IsTruncated', false],
      ]
      return { status: 200, xml: xmlDocument('ListMultipartUploadsResult', [...head, ...found]) }
    },
    async complete(call) {
      const text = await receiveText(call.incoming, call.bodySha256, maxCompleteBodyBytes)
      const named = parseCompleteBody(text)
      if (named === undefined) throw new S3Refusal(400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate.')
      const taken = await uploads.take(call.bucket, call.key, uploadIdOf(call), named)
      return finish(call, taken, late)
    },
    async abort(call) {
      await uploads.abort(call.bucket, call.key, uploadIdOf(call))
      return { status: 204 }
    },
  }
}

/** Objects whose parts are still being put together, by a count of HEADs. */
function createLateObjects() {
  const waiting = new Map<string, { headsLeft: number; taken: TakenUpload }>()
  return {
    add(bucket: string, key: string, headsLeft: number, taken: TakenUpload): void {
      waiting.set(`${bucket}/${key}`, { headsLeft, taken })
    },
    async beforeHead(bucket: string, key: string): Promise<void> {
      const name = `${bucket}/${key}`
      const one = waiting.get(name)
      if (one === undefined) return
      one.headsLeft -= 1
      if (one.headsLeft >= 0) return
      waiting.delete(name)
      await one.taken.merge()
    },
  }
}

async function finish(call: S3Call, taken: TakenUpload, late: ReturnType<typeof createLateObjects>): Promise<S3Answer> {
  const { bucket, key, rawPath } = call
  const timeout = faultOf(call, 'complete_timeout')
  if (timeout !== undefined && timeout.headsBefore > 0) {
    late.add(bucket, key, timeout.headsBefore, taken)
    return proxyPage(524)
  }
  await (faultOf(call, 'complete_lost') === undefined ? taken.merge() : taken.lose())
  if (timeout !== undefined) return proxyPage(524)
  if (faultOf(call, 'complete_unknown') !== undefined) throw noSuchUpload()
  const location = `http://${call.incoming.headers.host ?? ''}${rawPath}`
  const content = [
    ['Location', location],
    ['Bucket', bucket],
    ['Key', key],
    ['ETag', `"${taken.etag}"`],
  ] as const
  return { status: 200, xml: xmlDocument('CompleteMultipartUploadResult', content) }
}

async function uploadPart(volumes: S3Volumes, uploads: S3Uploads, call: S3Call): Promise<S3Answer> {
  const { bucket, key, query, incoming, bodySha256, traffic } = call
  const partNumber = Number(query.get('partNumber'))
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > maxPartNumber) {
    throw new S3Refusal(400, 'InvalidArgument', `Part number must be an integer between 1 and ${maxPartNumber}, inclusive`)
  }
  checkLength(call, true)
  const uploadId = uploadIdOf(call)
  await uploads.parts(bucket, key, uploadId)
  const temporary = await volumes.temporaryPath(bucket)
  const { md5 } = await receiveFile(incoming, temporary, {
    sha256: bodySha256,
    cutAfterBytes: faultOf(call, 'cut_upload')?.afterBytes,
    count: (bytes) => traffic.countReceived(bucket, key, bytes),
  })
  try {
    await uploads.addPart(bucket, key, uploadId, { partNumber, temporary, md5 })
  } finally {
    await rm(temporary, { force: true })
  }
  return { status: 200, headers: { etag: `"${md5}"` } }
}

async function listParts(uploads: S3Uploads, call: S3Call): Promise<S3Answer> {
  const { bucket, key, query } = call
  const marker = Number(query.get('part-number-marker') ?? 0)
  const maxParts = pageLimit(query, 'max-parts')
  const rest = (await uploads.parts(bucket, key, uploadIdOf(call))).filter((part) => part.partNumber > marker)
  const page = rest.slice(0, maxParts)
  const parts = page.map((part): XmlElement => {
    return [
      'Part',
      [
        ['PartNumber', part.partNumber],
        ['LastModified', isoTime(part.modifiedMs)],
        ['ETag', `"${part.etag}"`],
        ['Size', part.sizeBytes],
      ],
    ]
  })
  return {
    status: 200,
    xml: xmlDocument('ListPartsResult', [
      ['Bucket', bucket],
      ['Key', key],
      ['UploadId', uploadIdOf(call)],
      ['PartNumberMarker', marker],
      ['NextPartNumberMarker', page.at(-1)?.partNumber ?? 0],
      ['MaxParts', maxParts],
      ['IsTruncated', rest.length > page.length],
      ['StorageClass', 'STANDARD'],
      ...parts,
    ]),
  }
}

function uploadIdOf(call: S3Call): string {
  return call.query.get('uploadId') ?? ''
}
