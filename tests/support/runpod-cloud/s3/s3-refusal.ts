/** An S3 error answer, thrown where the request turns out wrong and worded as XML by the server. */
export class S3Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'S3Refusal'
    this.status = status
    this.code = code
  }
}

/** What is not on RunPod's list of supported calls. */
export function notImplemented(what: string): S3Refusal {
  return new S3Refusal(501, 'NotImplemented', `${what} is not implemented.`)
}

/** A key that names no object. */
export function noSuchKey(): S3Refusal {
  return new S3Refusal(404, 'NoSuchKey', 'The specified key does not exist.')
}

/** An upload that was never begun, was given up, or is complete already. */
export function noSuchUpload(): S3Refusal {
  return new S3Refusal(404, 'NoSuchUpload', 'The specified multipart upload does not exist.')
}

/** Two refusals the file system words as error numbers; anything else is a fault of this server. */
export function refusalOf(error: unknown): S3Refusal | undefined {
  if (error instanceof S3Refusal) return error
  if (!(error instanceof Error) || !('code' in error)) return undefined
  if (error.code === 'ENOSPC') return new S3Refusal(507, 'InsufficientStorage', 'There is no space left on the volume.')
  if (error.code === 'ENAMETOOLONG') return new S3Refusal(400, 'KeyTooLongError', 'Your key is too long.')
  return undefined
}
