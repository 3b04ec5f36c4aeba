import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { notImplemented, S3Refusal } from './s3-refusal.ts'
import type { S3Request } from './s3-request.ts'

const maxSkewMs = 3_600_000
const unsignedPayload = 'UNSIGNED-PAYLOAD'

interface Keeper {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  now(): number
}

interface Credential {
  readonly accessKeyId: string
  readonly day: string
  readonly region: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

/** Checks who asks (AWS Signature Version 4, in the header) and returns the sha256 the body must have, if it is signed. */
export function verifySignature(request: S3Request, keeper: Keeper): string | undefined {
  const { headers } = request.incoming
  const credential = readCredential(headers.authorization)
  if (credential.accessKeyId !== keeper.accessKeyId) {
    throw new S3Refusal(403, 'InvalidAccessKeyId', 'The access key id you provided does not exist in our records.')
  }
  // Clients are seen to sign with the data centre in either case.
  if (credential.region.toLowerCase() !== keeper.region.toLowerCase()) {
    throw malformed(`The region '${credential.region}' is wrong; expecting '${keeper.region}'.`)
  }
  const stamp = headerText(headers, 'x-amz-date')
  checkTime(stamp, credential.day, keeper.now())
  checkSigned(headers, credential.signedHeaders)
  const payload = payloadOf(headers)
  if (!isEqual(signatureFor(request, credential, stamp, payload, keeper.secretAccessKey), credential.signature)) {
    throw new S3Refusal(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.')
  }
  return payload === unsignedPayload ? undefined : payload
}

function readCredential(authorization: string | undefined): Credential {
  if (authorization === undefined) throw denied('Access Denied.')
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/s3\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(
      authorization,
    )
  const [, accessKeyId, day, region, signedHeaders, signature] = found ?? []
  if (accessKeyId === undefined || day === undefined || region === undefined || signedHeaders === undefined || signature === undefined) {
    throw malformed('The authorization header is malformed.')
  }
  return { accessKeyId, day, region, signedHeaders: signedHeaders.split(';'), signature }
}

function checkTime(stamp: string, day: string, nowMs: number): void {
  const [, year, month, date, hours, minutes, seconds] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp) ?? []
  const atMs = Date.parse(`${year}-${month}-${date}T${hours}:${minutes}:${seconds}Z`)
  if (Number.isNaN(atMs)) throw denied('AWS authentication requires a valid x-amz-date header.')
  if (!stamp.startsWith(day)) throw malformed('The date of the credential is not the one of x-amz-date.')
  if (Math.abs(nowMs - atMs) > maxSkewMs) {
    throw new S3Refusal(403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.')
  }
}

/** What is not signed could have been changed on the way. */
function checkSigned(headers: IncomingHttpHeaders, signedHeaders: readonly string[]): void {
  for (const name of ['host', ...Object.keys(headers).filter((header) => header.startsWith('x-amz-'))]) {
    if (!signedHeaders.includes(name)) throw denied(`There were headers present in the request which were not signed: ${name}.`)
  }
}

function payloadOf(headers: IncomingHttpHeaders): string {
  const payload = headerText(headers, 'x-amz-content-sha256')
  if (payload.startsWith('STREAMING-')) throw notImplemented(`A payload of the kind ${payload}`)
  if (payload === unsignedPayload || /^[0-9a-f]{64}$/.test(payload)) return payload
  throw new S3Refusal(400, 'InvalidRequest', 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a sha256.')
}

function signatureFor(request: S3Request, credential: Credential, stamp: string, payload: string, secret: string): string {
  const { signedHeaders, day, region } = credential
  const headerLines = signedHeaders.map((name) => `${name}:${headerText(request.incoming.headers, name).trim().replace(/ +/g, ' ')}\n`)
  const pairs = [...request.query].map(([name, value]) => [encode(name), encode(value)] as const)
  const query = pairs
    .toSorted((one, other) => order(one[0], other[0]) || order(one[1], other[1]))
    .map(([name, value]) => `${name}=${value}`)
  const path = request.rawPath.split('/').map((segment) => encode(decodeURIComponent(segment)))
  const canonical = [request.method, path.join('/'), query.join('&'), headerLines.join(''), signedHeaders.join(';'), payload].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = [day, region, 's3', 'aws4_request'].reduce<Buffer>((previous, part) => hmac(previous, part), Buffer.from(`AWS4${secret}`))
  return hmac(key, toSign).toString('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function headerText(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}

/** Percent-encodes as SigV4 wants it: everything but unreserved characters. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function order(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function isEqual(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

function denied(message: string): S3Refusal {
  return new S3Refusal(403, 'AccessDenied', message)
}

function malformed(message: string): S3Refusal {
  return new S3Refusal(400, 'AuthorizationHeaderMalformed', message)
}
