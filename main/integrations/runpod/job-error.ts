import { z } from 'zod'
import { redactText } from '../../lib/redaction.ts'

/** What went wrong in a job: a message for people and, for a raised exception, its class. */
export interface JobError {
  readonly message: string
  readonly type?: string
}

const raisedSchema = z.object({
  error_type: z.string().optional().catch(undefined),
  error_message: z.unknown().optional(),
  error_traceback: z.unknown().optional(),
})
const noReason = 'The worker named no reason.'
const longestMessage = 4_000
/** JSON within JSON is unpacked so often, as workers and SDK both may pack it. */
const deepest = 6

/** Reads the `error` of a job: plain words, JSON text of an exception, JSON cut short, or any value at all. */
export function readJobError(error: unknown): JobError | undefined {
  if (error === undefined || error === null || error === '') return undefined
  const { message, type } = errorAt(error, 0)
  // Whatever the packing was: what stands before the traceback is all there is for people.
  const shownMessage = message.slice(0, message.search(/["\\]*error_traceback|Traceback \(most recent|$/)).replace(/[\s,]+$/, '')
  return { message: shownMessage === '' ? noReason : shownMessage, ...(type === undefined ? {} : { type }) }
}

/** The message; a single word such as `'text'` of a KeyError says nothing without its class. */
export function wordsOfJobError({ message, type }: JobError): string {
  return type === undefined || message === type || /\s/.test(message) ? message : `${type}: ${message}`
}

function errorAt(error: unknown, depth: number): JobError {
  if (typeof error === 'string') {
    const value = parsedOr(error)
    const isPacked = (typeof value === 'object' && value !== null) || (typeof value === 'string' && value !== error && value !== '')
    return isPacked && depth < deepest ? errorAt(value, depth + 1) : plain(error)
  }
  const raised = raisedSchema.safeParse(error)
  if (raised.success && (raised.data.error_message !== undefined || raised.data.error_traceback !== undefined)) {
    return ofRaised(raised.data, depth)
  }
  const inner = innerError(error)
  return inner === undefined || depth >= deepest ? { message: shown(error) } : errorAt(inner, depth + 1)
}

function ofRaised(raised: z.infer<typeof raisedSchema>, depth: number): JobError {
  const type = typeNameOf(raised.error_type)
  const said = raised.error_message
  const inner =
    said === undefined || said === null || said === ''
      ? undefined
      : depth < deepest
        ? errorAt(said, depth + 1)
        : plain(typeof said === 'string' ? said : JSON.stringify(said))
  const lastLine = typeof raised.error_traceback === 'string' ? lastLineOf(raised.error_traceback) : ''
  const message = inner?.message ?? (lastLine === '' ? undefined : lastLine) ?? type ?? noReason
  const innermost = inner?.type ?? type
  return { message, ...(innermost === undefined ? {} : { type: innermost }) }
}

/** Plain words; of a traceback only its last line, of JSON that was cut short only its message. */
function plain(text: string): JobError {
  const cut = /"error_message"\s*:\s*"((?:[^"\\]|\\.)*)/.exec(text)
  if (cut !== null && text.trimStart().startsWith('{')) {
    const type = typeNameOf(/"error_type"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1])
    const message = tidy(unescaped(cut[1] ?? ''))
    return { message: message === '' ? (type ?? noReason) : message, ...(type === undefined ? {} : { type }) }
  }
  if (!text.includes('Traceback (most recent call last)')) return { message: tidy(text) }
  const last = lastLineOf(text)
  const type = typeNameOf(/^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)):/.exec(last)?.[1])
  return { message: last === '' ? tidy(text) : last, ...(type === undefined ? {} : { type }) }
}

function innerError(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  for (const key of ['error', 'message', 'detail'] as const) {
    const part: unknown = Reflect.get(value, key)
    if (typeof part === 'string' && part !== '') return part
  }
  return undefined
}

/** `<class 'torch.cuda.OutOfMemoryError'>` as OutOfMemoryError. */
function typeNameOf(text: string | undefined): string | undefined {
  const name = /([A-Za-z_]\w*)(?:'>)?$/.exec(text?.trim() ?? '')?.[1]
  return name === undefined || name === 'class' ? undefined : name
}

function lastLineOf(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return tidy(lines.findLast((line) => line !== '') ?? '')
}

function unescaped(text: string): string {
  const value = parsedOr(`"${text.replace(/\\$/, '')}"`)
  return typeof value === 'string' && value.startsWith('"') ? text : String(value)
}

function shown(value: unknown): string {
  try {
    return tidy(JSON.stringify(value))
  } catch {
    // Nested too deep to be written out; that it failed is all there is to say.
    return 'The worker gave an error that cannot be read.'
  }
}

/** Words of a worker may hold the token it used; they are stored and shown. */
function tidy(text: string): string {
  return redactText(text.trim()).slice(0, longestMessage)
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Most error texts are plain words.
    return text
  }
}
