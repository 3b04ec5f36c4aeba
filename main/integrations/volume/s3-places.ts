import { AppError } from '../../../preload/contract/errors.ts'

/** Data centres whose network volumes RunPod's documentation says can be reached over S3, and the date of that list. */
export const documentedS3DataCentres = {
  asOf: '2026-08-20',
  ids: [
    'EU-CZ-1',
    'EU-RO-1',
    'EUR-IS-1',
    'EUR-NO-1',
    'US-CA-2',
    'US-GA-2',
    'US-IL-1',
    'US-KS-2',
    'US-MD-1',
    'US-MO-1',
    'US-MO-2',
    'US-NC-1',
    'US-NC-2',
    'US-NE-1',
    'US-WA-1',
  ],
} as const

const dataCentrePattern = /^[A-Z0-9]+(?:-[A-Z0-9]+)*$/i

/** Address of the S3 service of a data centre; a host in upper case does not resolve. */
export function s3EndpointOf(dataCentreId: string): string {
  if (!dataCentrePattern.test(dataCentreId) || dataCentreId.length > 40) {
    throw new AppError(
      'ENDPOINT_NOT_FOUND',
      'The name of the data centre is not valid. Copy it from the RunPod console, for example EU-RO-1.',
    )
  }
  return `https://s3api-${dataCentreId.toLowerCase()}.runpod.io`
}
