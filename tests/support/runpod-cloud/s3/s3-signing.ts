import type { S3Client } from '@aws-sdk/client-s3'
import type { SignedRequest } from './s3-lab.ts'

interface WireRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string | string[] | null>>
  readonly headers: Record<string, string>
  readonly body?: unknown
}

/** What a client of AWS, spent by this, would put on the wire; `headers` are set before it signs. */
export async function signRequest(
  client: S3Client,
  ask: (client: S3Client) => Promise<unknown>,
  headers: Record<string, string> = {},
): Promise<SignedRequest> {
  let wire: WireRequest | undefined
  const stack = client.middlewareStack
  stack.add(
    (next) => (args) => {
      Object.assign((args.request as WireRequest).headers, headers)
      return next(args)
    },
    { step: 'build', priority: 'low' },
  )
  stack.add(
    () => async (args) => {
      wire = args.request as WireRequest
      throw new Captured()
    },
    { step: 'deserialize', priority: 'low' },
  )
  await ask(client).catch((error: unknown) => {
    if (!(error instanceof Captured)) throw error
  })
  if (wire === undefined) throw new Error('The client sent nothing')
  const query = Object.entries(wire.query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value ?? ''))}`)
  const path = `${wire.path}${query.length === 0 ? '' : `?${query.join('&')}`}`
  const body = typeof wire.body === 'string' || Buffer.isBuffer(wire.body) ? { body: wire.body } : {}
  return { method: wire.method, path, headers: wire.headers, ...body }
}

class Captured extends Error {}
