import { z } from 'zod'

/** Where in a training something is to happen: before a step, or around the end. */
export const trainingPointSchema = z.union([z.int().nonnegative(), z.enum(['start', 'saving', 'adapter', 'result'])])
export type TrainingPoint = z.infer<typeof trainingPointSchema>

/** Whether the request is carried out although its answer does not say so. */
const acted = { acted: z.boolean().default(false) }

const replyEffects = [
  z.strictObject({
    ...acted,
    kind: z.literal('status'),
    status: z.int(),
    body: z.unknown().optional(),
    contentType: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
  }),
  z.strictObject({ kind: z.literal('rate_limited'), retryAfterSeconds: z.number().nonnegative().default(2) }),
  z.strictObject({ ...acted, kind: z.literal('server_error'), status: z.int().default(500) }),
  z.strictObject({ ...acted, kind: z.literal('html'), status: z.int().default(502) }),
  z.strictObject({ ...acted, kind: z.literal('empty'), status: z.int().default(200) }),
  /** The request is carried out and half of the answer arrives. */
  z.strictObject({ kind: z.literal('cut_short') }),
  z.strictObject({ kind: z.literal('not_found') }),
  z.strictObject({ kind: z.literal('too_large') }),
  /** The connection breaks; nothing was done. */
  z.strictObject({ kind: z.literal('reset_before') }),
  /** The connection breaks; it was done. */
  z.strictObject({ kind: z.literal('reset_after') }),
  /** The answer comes late; `real` waits by the wall clock, `cloud` by the cloud's. */
  z.strictObject({ kind: z.literal('slow'), delayMs: z.int().nonnegative(), by: z.enum(['real', 'cloud']).default('cloud') }),
] as const

const jobEffects = [
  /** The worker dies without a word at a point of the training; the platform starts the job again. */
  z.strictObject({ kind: z.literal('kill'), at: trainingPointSchema }),
  /** The worker waits at a point until it is released. */
  z.strictObject({ kind: z.literal('hold'), at: trainingPointSchema }),
  z.strictObject({ kind: z.literal('ignore_cancel') }),
  /** The handler raises: FAILED with a JSON string as `error`. */
  z.strictObject({
    kind: z.literal('raise'),
    type: z.string().default("<class 'RuntimeError'>"),
    message: z.string().default('CUDA error: an illegal memory access was encountered'),
  }),
  /** The handler returns a dict with `error`: FAILED with a plain text and the rest as `output`. */
  z.strictObject({ kind: z.literal('error_dict'), error: z.string().default('INTERNAL: the worker gave up.') }),
  /** The training fails and the job is COMPLETED. */
  z.strictObject({ kind: z.literal('inner_failure'), code: z.string().default('OUT_OF_MEMORY') }),
  /** COMPLETED without an `output`. */
  z.strictObject({ kind: z.literal('no_output') }),
  /** A late progress update overwrites the result: IN_PROGRESS for ever. */
  z.strictObject({ kind: z.literal('progress_race') }),
  z.strictObject({ kind: z.literal('timed_out') }),
  /** A second worker gets the same job at the same time. */
  z.strictObject({ kind: z.literal('twice') }),
  /** A broken worker that trains although another one does. */
  z.strictObject({ kind: z.literal('ignore_lease') }),
] as const

const replyEffectSchema = z.discriminatedUnion('kind', replyEffects)
const jobEffectSchema = z.discriminatedUnion('kind', jobEffects)
/** What goes wrong with an answer. */
export type ReplyEffect = z.infer<typeof replyEffectSchema>
/** What goes wrong with a job. */
export type JobEffect = z.infer<typeof jobEffectSchema>

/** One scripted fault: on which calls, how often, what. */
export const faultRuleSchema = z.strictObject({
  /** `run`, `status`, `rest.serverless.list`, `graphql`, `s3`, `worker.job-done`, `job.train` …; a closing `*` stands for anything. */
  operation: z.string().min(1),
  endpointId: z.string().optional(),
  /** For `job.*`: only jobs of this run. */
  runId: z.string().optional(),
  /** The first call it strikes, counted from when it was added. */
  nth: z.int().positive().optional(),
  /** Strikes each call with this chance, by a seed. */
  probability: z.number().min(0).max(1).optional(),
  seed: z.int().default(1),
  /** How often it strikes; 1 unless there is a probability, null without end. */
  count: z.int().positive().nullable().optional(),
  effect: z.union([replyEffectSchema, jobEffectSchema]),
})
export type FaultRule = z.input<typeof faultRuleSchema>

/** A rule with what has become of it, as it is kept. */
export const keptFaultSchema = z.object({ id: z.string(), rule: faultRuleSchema, seen: z.int(), struck: z.int() })
export type KeptFault = z.infer<typeof keptFaultSchema>

interface Call {
  readonly operation: string
  readonly endpointId?: string | undefined
  readonly runId?: string | undefined
}

/** The rules in force, and which of them strike a call. */
export interface Faults {
  add(rule: FaultRule): string
  remove(id: string): void
  clear(): void
  list(): readonly KeptFault[]
  strikeReply(call: Call): readonly ReplyEffect[]
  strikeJob(call: Call): readonly JobEffect[]
}

/** Builds the rules over the list that the state keeps. */
export function createFaults(kept: KeptFault[], newId: () => string, onChanged: () => void): Faults {
  const strike = (call: Call, isWanted: (kind: string) => boolean) => {
    const effects = kept.filter((fault) => isWanted(fault.rule.effect.kind) && concerns(fault.rule, call) && strikesNow(fault))
    if (effects.length > 0) onChanged()
    return effects.map((fault) => fault.rule.effect)
  }
  return {
    add(rule) {
      const id = newId()
      kept.push({ id, rule: faultRuleSchema.parse(rule), seen: 0, struck: 0 })
      onChanged()
      return id
    },
    remove(id) {
      const index = kept.findIndex((fault) => fault.id === id)
      if (index !== -1) kept.splice(index, 1)
      onChanged()
    },
    clear() {
      kept.length = 0
      onChanged()
    },
    list: () => kept,
    strikeReply: (call) => strike(call, (kind) => !jobKinds.has(kind)).flatMap((effect) => replyEffectSchema.safeParse(effect).data ?? []),
    strikeJob: (call) => strike(call, (kind) => jobKinds.has(kind)).flatMap((effect) => jobEffectSchema.safeParse(effect).data ?? []),
  }
}

const jobKinds: ReadonlySet<string> = new Set(jobEffects.map((schema) => schema.shape.kind.value))

function concerns(rule: KeptFault['rule'], call: Call): boolean {
  const isOperation = rule.operation.endsWith('*')
    ? call.operation.startsWith(rule.operation.slice(0, -1))
    : rule.operation === call.operation
  return (
    isOperation &&
    (rule.endpointId === undefined || rule.endpointId === call.endpointId) &&
    (rule.runId === undefined || rule.runId === call.runId)
  )
}

function strikesNow(fault: KeptFault): boolean {
  const { nth = 1, probability, seed, count = probability === undefined ? 1 : null } = fault.rule
  fault.seen += 1
  if (count !== null && fault.struck >= count) return false
  if (fault.seen < nth) return false
  if (probability !== undefined && chance(seed, fault.seen) >= probability) return false
  fault.struck += 1
  return true
}

/** A number from 0 to 1 that depends on nothing but the seed and the count. */
function chance(seed: number, count: number): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(count, 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 4_294_967_296
}
