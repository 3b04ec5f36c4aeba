import { S3ServiceException } from '@aws-sdk/client-s3'

/** How a call ended, by what both a real client and a test can see. */
type S3Outcome = { readonly status: number; readonly code: string } | { readonly status: number; readonly code?: never }

/** Settles a call of the AWS SDK: its status and, for a refusal, the code. */
export async function outcomeOf(sent: Promise<{ $metadata: { httpStatusCode?: number | undefined } }>): Promise<S3Outcome> {
  try {
    return { status: (await sent).$metadata.httpStatusCode ?? 0 }
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error
    return { status: error.$metadata.httpStatusCode ?? 0, code: error.name }
  }
}
