import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { AppError } from '../../../preload/contract/errors.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { failureOf, readFault, type S3Fault } from './s3-failure.ts'
import { createFetcher } from './s3-fetcher.ts'

/** What is needed to reach one network volume. */
export interface S3Access {
  readonly endpoint: string
  /** The data centre's id, which is what RunPod takes for the region. */
  readonly region: string
  /** The network volume's id. */
  readonly bucket: string
  /** Asked before every request, so that a new key works without a restart. */
  readonly credentials: () => Promise<{ accessKeyId: string; secretAccessKey: string }>
  readonly clock: Clock
  readonly log: Log
  /** Tries per request; the pauses between them double. */
  readonly attempts: number
  /** The same for parts of transfers, which are to outlast a short outage. */
  readonly transferAttempts: number
  /** Silence after which a connection counts as lost. */
  readonly silenceMs: number
}

/** Runs one request, again after passing faults; faults in `expected` are handed back, all others thrown. */
export type SendS3 = <T, K extends S3Fault['kind'] = never>(
  ask: (signal: AbortSignal | undefined) => Promise<T>,
  options: { key?: string; signal?: AbortSignal | undefined; expected?: readonly K[]; attempts?: number },
) => Promise<{ value: T } | { fault: S3Fault & { kind: K } }>

const firstPauseMs = 500
const longestPauseMs = 20_000
const connectionTimeoutMs = 20_000
/** Credentials that are this close to their end are asked for anew by the client. */
const credentialsLifeMs = 60_000

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Builds the client; nothing of the user's own settings for other S3 services is to have a say in it. */
export function createClient(access: S3Access, silenceMs = access.silenceMs): S3Client {
  const settings: S3ClientConfig = {
    endpoint: access.endpoint,
    region: access.region,
    forcePathStyle: true,
    credentials: async () => ({ ...(await access.credentials()), expiration: new Date(access.clock.nowMs() + credentialsLifeMs) }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    followRegionRedirects: false,
    // Tries are counted here, where the clock can be held and an upload can be looked at in between.
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    useAccelerateEndpoint: false,
    useArnRegion: false,
    disableS3ExpressSessionAuth: true,
    // A wrong clock is told to the user once and for all instead of being wrong at the first request only.
    disableClockSkewCorrection: true,
    expectContinueHeader: false,
    // What it would say to the terminal is said by our own errors, with what to do.
    logger: silent,
    requestHandler: { connectionTimeout: connectionTimeoutMs, socketTimeout: silenceMs, throwOnRequestTimeout: true },
  }
  return new S3Client(settings)
}

/** Builds a client for large files, which come over sockets of their own. */
export function createFileClient(access: S3Access): S3Client {
  const client = createClient(access)
  const patience = { connectMs: connectionTimeoutMs, silenceMs: access.silenceMs }
  client.config.requestHandler = createFetcher(patience, client.config.requestHandler)
  return client
}

/** Builds the way every request goes. */
export function createSend({ clock, log, bucket, region, attempts: attemptsInAll }: S3Access): SendS3 {
  return async (ask, { key, signal, expected = [], attempts = attemptsInAll }) => {
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted()
      try {
        return { value: await ask(signal) }
      } catch (error) {
        const fault = faultOf(error, signal, clock)
        if (isOneOf(fault, expected)) return { fault }
        const place = { bucket, region, ...(key === undefined ? {} : { key }) }
        if (fault.kind !== 'passing' || attempt >= attempts) throw failureOf(fault, place)
        log.info('A request to the network volume is tried again', { attempt, status: fault.status, said: fault.code })
        await delay(clock, pauseMs(attempt), signal)
      }
    }
  }
}

/** The fault in what was thrown; a cancellation and the app's own errors go on as they are. */
export function faultOf(error: unknown, signal: AbortSignal | undefined, clock: Clock): S3Fault {
  signal?.throwIfAborted()
  if (error instanceof AppError) throw error
  return readFault(error, clock.nowMs())
}

/** Pause after the nth failure. */
export function pauseMs(attempt: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1))
}

function isOneOf<K extends S3Fault['kind']>(fault: S3Fault, kinds: readonly K[]): fault is S3Fault & { kind: K } {
  return kinds.some((kind) => kind === fault.kind)
}
