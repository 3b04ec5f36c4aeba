import { z } from 'zod'
import { errorCodes } from './errors.ts'

/** Checks the error half of an answer that comes from another process. */
export const errorEnvelopeSchema = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  details: z.unknown().optional(),
  retryable: z.boolean(),
})
