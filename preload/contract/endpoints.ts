import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { byIdSchema, bytesSchema, countSchema, doneSchema, emptySchema, idSchema, microUsdSchema, timeMsSchema } from './primitives.ts'

export const endpointKindSchema = z.enum(['local', 'runpod'])

/** State of the Python environment on this computer. */
export const pythonStateSchema = z.object({
  status: z.enum(['missing', 'not_set_up', 'setting_up', 'ready', 'failed']),
  version: z.string().nullable(),
  /** What is being done, or what to do next. */
  message: z.string(),
  /** 0–1 while setting up; null when no total is known. */
  progress: z.number().min(0).max(1).nullable(),
})
export type PythonState = z.infer<typeof pythonStateSchema>

/** What is known about the computer's own worker. */
export const localStateSchema = z.object({
  python: pythonStateSchema,
  device: z.object({ kind: z.enum(['cpu', 'cuda', 'mps']), name: z.string(), memoryBytes: bytesSchema.nullable() }).nullable(),
  worker: z.enum(['stopped', 'starting', 'ready', 'busy', 'restarting']),
  diskFreeBytes: bytesSchema,
})
export type LocalState = z.infer<typeof localStateSchema>

/** Outcome of "Test connection"; every line says what was checked. */
export const connectionReportSchema = z.object({
  isOk: z.boolean(),
  code: z.enum([
    'OK',
    'KEY_MISSING',
    'KEY_REFUSED',
    'KEY_FORBIDDEN',
    'ENDPOINT_NOT_FOUND',
    'NO_WORKERS',
    'WORKERS_MAX_ZERO',
    'RATE_LIMITED',
    'UNREACHABLE',
    'UNEXPECTED_REPLY',
  ]),
  summary: z.string(),
  advice: z.string().nullable(),
  checks: z.array(z.object({ name: z.string(), isOk: z.boolean(), text: z.string() })),
  checkedAtMs: timeMsSchema,
})
export type ConnectionReport = z.infer<typeof connectionReportSchema>

/** What RunPod last said about an endpoint; null for what the key may not read. */
export const remoteFactsSchema = z.object({
  gpu: z.string().nullable(),
  gpuCount: z.int().positive(),
  /** Of all GPUs of one worker together, at list price. */
  pricePerHourMicroUsd: microUsdSchema.nullable(),
  workersMax: countSchema.nullable(),
  idleTimeoutMs: countSchema.nullable(),
  volumeId: z.string().nullable(),
  dataCentreId: z.string().nullable(),
  balanceMicroUsd: z.int().nullable(),
  /** How much of its GPUs is free where it may run. */
  stock: z.enum(['none', 'low', 'medium', 'high', 'unknown']).nullable().default(null),
  /** Size of its network volume. */
  volumeGb: z.number().nonnegative().nullable().default(null),
  /** Whether its environment names a Hugging Face token; the token itself is never read. */
  hasHfToken: z.boolean().nullable().default(null),
  readAtMs: timeMsSchema,
})
export type RemoteFacts = z.infer<typeof remoteFactsSchema>

/** What a worker has said about itself when it was greeted. */
export const workerFactsSchema = z.object({
  trainerVersion: z.string(),
  python: z.string(),
  torch: z.string(),
  cuda: z.string().nullable(),
  gpu: z.object({ name: z.string(), memoryBytes: bytesSchema.nullable(), count: z.int().positive() }),
  /** Base models that are on the volume. */
  baseModels: z.array(z.string()),
  actions: z.array(z.string()),
  saidAtMs: timeMsSchema,
})
export type WorkerFacts = z.infer<typeof workerFactsSchema>

/** How a worker's version goes with this app's. */
export const workerVerdictSchema = z.object({
  state: z.enum(['unknown', 'current', 'older', 'newer', 'unusable']),
  text: z.string(),
  /** The way to the right version; null where nothing has to be done. */
  advice: z.string().nullable(),
})
export type WorkerVerdict = z.infer<typeof workerVerdictSchema>

/** The worker of an endpoint as far as it is known, and a greeting that is under way. */
export const endpointWorkerSchema = z.object({
  facts: workerFactsSchema.nullable(),
  verdict: workerVerdictSchema,
  greeting: z.object({ sinceMs: timeMsSchema, text: z.string() }).nullable(),
  /** Why the last greeting was not answered. */
  problem: z.string().nullable(),
  /** The most a greeting may cost now; null where the price is not known. */
  greetingMostMicroUsd: microUsdSchema.nullable(),
})
export type EndpointWorker = z.infer<typeof endpointWorkerSchema>

/** The longest time a greeting may take, and be charged for: a first start installs packages on the volume. */
export const greetingLimitMs = 45 * 60_000

/** The network volume whose files are reached without a worker. */
export const storageSchema = z.object({ volumeId: z.string().min(1), dataCentreId: z.string().min(1) })
export type Storage = z.infer<typeof storageSchema>

export const endpointSchema = z.object({
  id: idSchema,
  kind: endpointKindSchema,
  name: z.string(),
  runpodEndpointId: z.string().nullable(),
  /** Where the key is: the OS keychain, this session's memory only, or nowhere. */
  key: z.object({ stored: z.enum(['keychain', 'session', 'none']), lastFour: z.string().nullable() }).nullable(),
  /** True when runs can be started on it by this version. */
  canTrain: z.boolean(),
  cannotTrainReason: z.string().nullable(),
  lastReport: connectionReportSchema.nullable(),
  /** Null for this computer, and until the connection was tested. */
  remote: remoteFactsSchema.nullable(),
  /** Null where files travel through jobs on a billed worker. */
  storage: storageSchema.nullable(),
  /** Null for this computer, whose worker is the app's own. */
  worker: endpointWorkerSchema.nullable(),
  createdAtMs: timeMsSchema,
})
export type Endpoint = z.infer<typeof endpointSchema>

const nameSchema = z.string().trim().min(1, 'Give the endpoint a name').max(100)
const runpodIdSchema = z
  .string()
  .trim()
  .regex(/^[a-z0-9-]{6,40}$/i, 'The endpoint id is the short code in its RunPod address')
const apiKeySchema = z.string().trim().min(8, 'The key is too short').max(200).regex(/^\S+$/, 'The key has no spaces')

/** Form and route input for connecting a RunPod endpoint. */
export const addRunpodInputSchema = z.strictObject({ name: nameSchema, runpodEndpointId: runpodIdSchema, apiKey: apiKeySchema })
export type AddRunpodInput = z.infer<typeof addRunpodInputSchema>

/** Form and route input for reaching an endpoint's network volume with S3 keys. */
export const connectStorageInputSchema = z.strictObject({
  id: idSchema,
  volumeId: z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9-]{3,60}$/, 'The id of the network volume, as the RunPod console shows it'),
  dataCentreId: z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+$/, 'The data centre of the volume, for example EU-RO-1'),
  accessKeyId: z.string().trim().min(5, 'The access key id is too short').max(200).regex(/^\S+$/, 'The access key id has no spaces'),
  secret: z.string().trim().min(8, 'The secret is too short').max(200).regex(/^\S+$/, 'The secret has no spaces'),
})
export type ConnectStorageInput = z.infer<typeof connectStorageInputSchema>

export const endpointRoutes = defineRoutes({
  'endpoints.list': { input: emptySchema, output: z.array(endpointSchema) },
  'endpoints.get': { input: byIdSchema, output: endpointSchema },
  'endpoints.addRunpod': { input: addRunpodInputSchema, output: endpointSchema, isSensitive: true },
  'endpoints.rename': { input: z.strictObject({ id: idSchema, name: nameSchema }), output: endpointSchema },
  'endpoints.replaceKey': { input: z.strictObject({ id: idSchema, apiKey: apiKeySchema }), output: endpointSchema, isSensitive: true },
  /** Tries the keys on the volume and keeps them when they work. */
  'endpoints.connectStorage': { input: connectStorageInputSchema, output: endpointSchema, isSensitive: true },
  'endpoints.disconnectStorage': { input: byIdSchema, output: endpointSchema },
  'endpoints.testConnection': { input: byIdSchema, output: connectionReportSchema },
  /** Starts a charged worker and asks it for its version; what it says comes with `endpoints.changed`. */
  'endpoints.greet': { input: byIdSchema, output: doneSchema },
  'endpoints.delete': { input: byIdSchema, output: doneSchema },
  'endpoints.localState': { input: emptySchema, output: localStateSchema },
  /** Creates or repairs the Python environment of this computer. */
  'endpoints.setUpLocal': { input: emptySchema, output: doneSchema },
  'endpoints.keychainStatus': {
    input: emptySchema,
    output: z.object({ isAvailable: z.boolean(), message: z.string() }),
  },
})

export const endpointEvents = defineEvents({
  'endpoints.changed': z.object({ id: idSchema }),
  'endpoints.localChanged': localStateSchema,
})
