import { z } from 'zod'
import { AppError } from '../../../preload/contract/errors.ts'
import type { Log } from '../../lib/log.ts'
import { parseJson, type ApiReply } from './api-request.ts'
import { microUsdOf } from './money.ts'

/** Text that may be absent, null or odd. */
export const textOrNull = z.string().min(1).nullable().catch(null)
/** A whole number from zero that may be absent, null or odd. */
export const countOrNull = z.int().nonnegative().nullable().catch(null)
/** RFC 3339 as milliseconds; null for anything else. */
export const timeOrNull = z
  .string()
  .transform((text) => Date.parse(text))
  .pipe(z.int())
  .nullable()
  .catch(null)
/** RFC 3339 as milliseconds. */
export const timeMs = z
  .string()
  .transform((text) => Date.parse(text))
  .pipe(z.int())
/** Dollars as micro-dollars. */
export const microUsd = z.union([z.number(), z.string()]).transform((dollars, context) => {
  const amount = microUsdOf(dollars)
  if (amount !== null) return amount
  context.addIssue({ code: 'custom', message: 'not an amount of dollars' })
  return z.NEVER
})
/** Texts of a list; what is missing is empty, what is no text is left out. */
export const texts = z
  .array(z.unknown())
  .catch([])
  .transform((items) => items.filter((item): item is string => typeof item === 'string' && item !== ''))

/** A word of a fixed set in any case; words this version does not know become `otherwise`. */
export function wordOf<const W extends string, const O extends string>(words: readonly W[], otherwise: O) {
  return z
    .string()
    .catch('')
    .transform((text): W | O => words.find((word) => word.toLowerCase() === text.trim().toLowerCase()) ?? otherwise)
}

/** Reads the list under `name`; a lone list and null are accepted too, as servers write an empty one. */
export function listOf(reply: ApiReply, name: string): readonly unknown[] {
  const body = parseJson(reply.text)
  const list: unknown = typeof body === 'object' && body !== null && !Array.isArray(body) ? Reflect.get(body, name) : body
  if (Array.isArray(list)) return list
  if (list === null) return []
  throw unusable(reply, `a list named ${name} was expected`)
}

/** Reads one thing strictly; the error says which field is unusable, never its value. */
export function readOne<T>(reply: ApiReply, schema: z.ZodType<T>, body: unknown = parseJson(reply.text)): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw unusable(reply, body === undefined ? 'it is not JSON' : issuesText(parsed.error))
}

/** Reads what can be read of a list; one odd entry must not hide the others. */
export function readEach<T>(reply: ApiReply, name: string, schema: z.ZodType<T>, log: Log): T[] {
  return listOf(reply, name).flatMap((item) => {
    const parsed = schema.safeParse(item)
    if (parsed.success) return [parsed.data]
    log.warning(`An entry of ${name} could not be used`, { problem: issuesText(parsed.error) })
    return []
  })
}

function issuesText(error: z.ZodError): string {
  const issues = error.issues.slice(0, 3).map((issue) => `${issue.path.join('.') || 'the answer'}: ${issue.message}`)
  return issues.join('; ').slice(0, 300)
}

function unusable({ status }: ApiReply, problem: string): AppError {
  return new AppError(
    'RUNPOD_REPLY_INVALID',
    'RunPod gave an answer this version does not understand. Try again; if it stays so, look for an update of the app.',
    { retryable: true, details: { status, problem } },
  )
}
