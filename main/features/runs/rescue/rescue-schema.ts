import { z } from 'zod'
import { timeMsSchema } from '../../../../preload/contract/primitives.ts'

/** Packaging what an ended run had saved, on the user's word: a worker is started once more and trains no further. */
export const rescueSchema = z.object({
  phase: z.enum(['posting', 'following', 'done', 'failed']),
  jobId: z.string().nullable(),
  askedAtMs: timeMsSchema,
  /** Why it did not work. */
  message: z.string().nullable(),
})
