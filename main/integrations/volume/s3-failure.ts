import { AppError } from '../../../preload/contract/errors.ts'
import { assertNever } from '../../lib/assert-never.ts'

/** What went wrong with one request, as far as the answer tells. */
export interface S3Fault {
  readonly kind: 'absent' | 'no_volume' | 'no_upload' | 'bad_parts' | 'refused' | 'clock' | 'full' | 'passing' | 'unclear'
  /** HTTP status; null when there was no answer. */
  readonly status: number | null
  /** The store's or the network's own word for it. */
  readonly code: string
}

/** Where a request went, for the words of an error. */
interface S3Place {
  readonly bucket: string
  readonly region: string
  readonly key?: string
}

const kindOfCode: Readonly<Record<string, S3Fault['kind']>> = {
  NoSuchKey: 'absent',
  NotFound: 'absent',
  // The file has become shorter than what was asked for.
  InvalidRange: 'absent',
  NoSuchBucket: 'no_volume',
  InvalidBucketName: 'no_volume',
  PermanentRedirect: 'no_volume',
  AuthorizationHeaderMalformed: 'no_volume',
  IllegalLocationConstraintException: 'no_volume',
  NoSuchUpload: 'no_upload',
  InvalidPart: 'bad_parts',
  InvalidPartOrder: 'bad_parts',
  EntityTooSmall: 'bad_parts',
  InvalidAccessKeyId: 'refused',
  SignatureDoesNotMatch: 'refused',
  AccessDenied: 'refused',
  RequestTimeTooSkewed: 'clock',
  RequestExpired: 'clock',
  // What was damaged or delayed on its way is sent again.
  XAmzContentSHA256Mismatch: 'passing',
  BadDigest: 'passing',
  IncompleteBody: 'passing',
  RequestTimeout: 'passing',
  SlowDown: 'passing',
}
/** The store allows an hour. */
const clockIsOffMs = 50 * 60_000

/** Reads what the client threw; `nowMs` is this computer's time, which is held against the date of the answer. */
export function readFault(error: unknown, nowMs: number): S3Fault {
  const status = statusOf(error)
  const code = codeOf(error)
  const known = kindOfCode[code]
  if (status === 507) return { kind: 'full', status, code }
  if (status === 403 && known !== 'clock' && isClockOff(error, nowMs)) return { kind: 'clock', status, code }
  if (known !== undefined) return { kind: known, status, code }
  return { kind: kindOfStatus(status), status, code }
}

function kindOfStatus(status: number | null): S3Fault['kind'] {
  // A torn or unreadable success is asked for again, like a broken connection.
  if (status === null || (status >= 200 && status < 300)) return 'passing'
  if (status === 404 || status === 416) return 'absent'
  if (status === 401 || status === 403) return 'refused'
  if (status >= 300 && status < 400) return 'no_volume'
  if (status === 408 || status === 425 || status === 429) return 'passing'
  return status >= 500 && status !== 501 ? 'passing' : 'unclear'
}

/** The app's own error for a fault; what the store threw is not kept, because it may quote the key and the signature. */
export function failureOf(fault: S3Fault, { bucket, region, key }: S3Place): AppError {
  const details = { bucket, region, ...(key === undefined ? {} : { key }), status: fault.status, said: fault.code }
  switch (fault.kind) {
    case 'refused':
      return new AppError('ENDPOINT_REFUSED', 'RunPod refused the S3 key. Enter the access key and its secret again under Endpoints.', {
        details,
      })
    case 'clock':
      return new AppError(
        'ENDPOINT_REFUSED',
        'RunPod refused the request because the clock of this computer is off. Set date, time and time zone, then try again.',
        { details },
      )
    case 'no_volume':
      return new AppError(
        'ENDPOINT_NOT_FOUND',
        `The network volume ${bucket} is not in the data centre ${region}. Check both under Endpoints.`,
        { details },
      )
    case 'full':
      return new AppError('DISK_FULL', 'The network volume is full. Remove files from it or enlarge it in the RunPod console.', {
        details,
      })
    case 'passing':
      return unreachable(fault, region, details)
    case 'absent':
      return new AppError('VOLUME_UNREADABLE', `${key ?? 'The file'} is not on the training volume.`, { details })
    case 'no_upload':
    case 'bad_parts':
    case 'unclear':
      return new AppError('RUNPOD_REPLY_INVALID', `The network volume did not take the request (${wordOf(fault)}). Try again later.`, {
        details,
        retryable: true,
      })
    default:
      return assertNever(fault.kind)
  }
}

function unreachable(fault: S3Fault, region: string, details: unknown): AppError {
  const advice =
    fault.code === 'ENOTFOUND'
      ? `Check the network connection and the data centre ${region}.`
      : 'Check the network connection and try again.'
  return new AppError('ENDPOINT_UNREACHABLE', `The network volume cannot be reached (${wordOf(fault)}). ${advice}`, {
    details,
    retryable: true,
  })
}

function wordOf({ status, code }: S3Fault): string {
  return status === null ? code : `${status} ${code}`
}

function statusOf(error: unknown): number | null {
  const status = field(field(error, '$metadata'), 'httpStatusCode') ?? field(field(error, '$response'), 'statusCode')
  return typeof status === 'number' ? status : null
}

function codeOf(error: unknown): string {
  // A refused connection comes as a bundle of errors of which only the code is telling.
  const code = statusOf(error) === null ? (field(error, 'code') ?? field(error, 'name')) : field(error, 'name')
  return typeof code === 'string' && /^[A-Za-z0-9_]{1,60}$/.test(code) ? code : 'Unknown'
}

function isClockOff(error: unknown, nowMs: number): boolean {
  const date = field(field(field(error, '$response'), 'headers'), 'date')
  const serverMs = typeof date === 'string' ? Date.parse(date) : Number.NaN
  return Math.abs(serverMs - nowMs) > clockIsOffMs
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined
}
