import type { S3Fault, S3Traffic } from './s3-faults.ts'
import { S3Refusal } from './s3-refusal.ts'
import type { S3Operation, S3Request } from './s3-request.ts'

/** One authenticated call and what is to go wrong with it. */
export interface S3Call extends S3Request {
  readonly operation: S3Operation
  readonly faults: readonly S3Fault[]
  readonly traffic: S3Traffic
  /** The sha256 the body was signed with; undefined when it was not signed. */
  readonly bodySha256: string | undefined
}

/** What is answered: a document, a stretch of a file, or nothing but the head. */
export interface S3Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly xml?: string
  readonly html?: string
  readonly file?: { readonly path: string; readonly startByte: number; readonly lengthBytes: number }
}

/** The fault of one kind among those that strike a call. */
export function faultOf<Kind extends S3Fault['kind']>(call: S3Call, kind: Kind): Extract<S3Fault, { kind: Kind }> | undefined {
  return call.faults.find((fault): fault is Extract<S3Fault, { kind: Kind }> => fault.kind === kind)
}

/** The page a proxy sends in place of an answer. */
export function proxyPage(status: number): S3Answer {
  return { status, html: `<!DOCTYPE html><html><head><title>${status}</title></head><body><h1>Error ${status}</h1></body></html>` }
}

const mostBodyBytes = 500_000_000

/** Refuses a body that is not announced, or larger than one request may carry. */
export function checkLength({ incoming }: S3Request, isLimitItselfAllowed: boolean): void {
  const announced = incoming.headers['content-length']
  if (announced === undefined) throw new S3Refusal(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
  const length = Number(announced)
  if (length > mostBodyBytes || (length === mostBodyBytes && !isLimitItselfAllowed)) {
    throw new S3Refusal(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size.')
  }
}
