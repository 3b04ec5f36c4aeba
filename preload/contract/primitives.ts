import { z } from 'zod'

/** Our own identifiers: UUIDv7, sortable by creation time. */
export const idSchema = z.uuid()
/** Milliseconds since the epoch, UTC. */
export const timeMsSchema = z.int().nonnegative()
/** A span of milliseconds. */
export const durationMsSchema = z.int().nonnegative()
/** Integer micro-dollars: 1_000_000 is one US dollar. */
export const microUsdSchema = z.int().nonnegative()
/** Lower-case hexadecimal SHA-256. */
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/)
/** A size in bytes. */
export const bytesSchema = z.int().nonnegative()
/** A count of things. */
export const countSchema = z.int().nonnegative()
/** Route input for routes that need nothing. */
export const emptySchema = z.strictObject({})
/** Route input that names one thing. */
export const byIdSchema = z.strictObject({ id: idSchema })
/** Route output for routes that only act. */
export const doneSchema = z.strictObject({ done: z.literal(true) })

/** A low and a high bound of an estimate; equal bounds mean it is exact. */
export const rangeSchema = z.object({ low: z.number().nonnegative(), high: z.number().nonnegative() })
export type Range = z.infer<typeof rangeSchema>
