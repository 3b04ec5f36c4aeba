import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { baseModelRefSchema } from './models.ts'
import { byIdSchema, countSchema, doneSchema, emptySchema, idSchema, microUsdSchema, timeMsSchema } from './primitives.ts'

/** One way to set an endpoint up that RunPod could serve when it was asked. */
export const setupProposalSchema = z.strictObject({
  poolIds: z.array(z.string().min(1)).min(1).max(3),
  excludedGpuTypeIds: z.array(z.string()),
  gpuLabel: z.string(),
  dataCentreId: z.string().min(1),
  dataCentreName: z.string(),
  /** Rules the data centre is audited by, as RunPod names them. */
  compliance: z.array(z.string()),
  pricePerHourMicroUsd: microUsdSchema,
  /** Of the dearest GPU that may be taken when the first is not free. */
  highestPricePerHourMicroUsd: microUsdSchema,
  pricedAtMs: timeMsSchema,
  stock: z.enum(['low', 'medium', 'high']),
  volumeGb: z.int().min(10).max(4_096),
  volumeType: z.enum(['STANDARD', 'HIGH_PERFORMANCE']),
  /** Null for a tier whose price is not published. */
  volumePerMonthMicroUsd: microUsdSchema.nullable(),
  why: z.string(),
})
export type SetupProposal = z.infer<typeof setupProposalSchema>

/** What the worker runs: the app's own code on a stock image, or an image the user has built and published. */
export const setupImageSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('stock') }),
  z.strictObject({
    kind: z.literal('own'),
    ref: z
      .string()
      .trim()
      .regex(/^[a-z0-9][a-z0-9._/:@-]{2,250}$/i, 'Write the image as registry/name:tag'),
  }),
])

const apiKeySchema = z.string().trim().min(8, 'The key is too short').max(200).regex(/^\S+$/, 'The key has no spaces')

/** The pair of S3 keys of a RunPod account. */
export const s3KeysSchema = z.strictObject({
  accessKeyId: z.string().trim().min(5, 'The access key id is too short').max(200).regex(/^\S+$/, 'The access key id has no spaces'),
  secret: z.string().trim().min(8, 'The secret is too short').max(200).regex(/^\S+$/, 'The secret has no spaces'),
})

/** What the endpoint is to be good for. */
const setupNeedSchema = z.strictObject({
  baseModel: baseModelRefSchema,
  /** Keep the base model in 4 bits while training: less GPU memory, slower. */
  loadIn4bit: z.boolean(),
  /** Size of the network volume; null takes what the model needs. */
  volumeGb: z.int().min(10, 'A network volume has at least 10 GB').max(4_096, 'A network volume has at most 4,096 GB').nullable(),
})

export const proposeSetupInputSchema = z.strictObject({ apiKey: apiKeySchema, need: setupNeedSchema })
export const createSetupInputSchema = z
  .strictObject({
    name: z.string().trim().min(1, 'Give the endpoint a name').max(100),
    apiKey: apiKeySchema,
    s3Keys: s3KeysSchema.nullable(),
    image: setupImageSchema,
    need: setupNeedSchema,
    /** Name of the secret in the RunPod console that holds a Hugging Face token; gated models need one. */
    hfTokenSecret: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9_-]{1,100}$/, 'The name of the secret has letters, digits, - and _')
      // The name is seen by everybody who may read the endpoint.
      .refine((text) => !/^hf_[A-Za-z0-9]{20,}$/.test(text), 'This is the token itself. Keep it in the console and write its name here')
      .nullable(),
    /** What was shown and agreed to; anything dearer by now is refused. */
    proposal: setupProposalSchema,
  })
  .refine(({ image, s3Keys }) => image.kind === 'own' || s3Keys !== null, {
    path: ['s3Keys'],
    message: 'Without an image of your own, S3 keys are needed to put the worker on the volume',
  })

/** What an endpoint was computed to need, and the ways to get it. */
export const setupProposalsSchema = z.object({
  gpuMemoryBytes: countSchema,
  volumeGb: z.int().positive(),
  /** How these two were computed, in a sentence. */
  basis: z.string(),
  proposals: z.array(setupProposalSchema),
  balanceMicroUsd: z.int().nullable(),
})

export const setupStepIdSchema = z.enum(['volume', 'files', 'template', 'endpoint', 'greeting'])
export type SetupStepId = z.infer<typeof setupStepIdSchema>

/** Something the app makes, or has made, in the user's RunPod account. */
export const setupSchema = z.object({
  /** Also the id of the endpoint it becomes. */
  id: idSchema,
  name: z.string(),
  /** The name that volume, template and endpoint carry in the RunPod console. */
  remoteName: z.string(),
  baseModelLabel: z.string(),
  proposal: setupProposalSchema,
  image: setupImageSchema,
  /** `kept`: endpoint and template are gone, the network volume stays and is charged. */
  phase: z.enum(['creating', 'ready', 'deleting', 'kept']),
  steps: z.array(
    z.object({
      id: setupStepIdSchema,
      state: z.enum(['waiting', 'working', 'done', 'failed', 'removed']),
      /** What it is about, or how far it is. */
      text: z.string(),
    }),
  ),
  /** True while the app works on it. */
  isWorking: z.boolean(),
  /** Why it stands still; continuing or deleting is the user's choice. */
  problem: z.object({ text: z.string(), asksFor: z.enum(['api_key', 's3_keys']).nullable() }).nullable(),
  volumeId: z.string().nullable(),
  /** Of the network volume while it exists; null where its price is not published. */
  restsPerMonthMicroUsd: microUsdSchema.nullable(),
  /** True when this version of the app brings another worker than the one that was set up. */
  hasNewerWorker: z.boolean(),
  createdAtMs: timeMsSchema,
})
export type Setup = z.infer<typeof setupSchema>

export const endpointSetupRoutes = defineRoutes({
  'endpointSetups.list': { input: emptySchema, output: z.array(setupSchema) },
  /** Reads catalogue, stock and balance; nothing is made and nothing charged. */
  'endpointSetups.propose': { input: proposeSetupInputSchema, output: setupProposalsSchema, isSensitive: true },
  'endpointSetups.create': { input: createSetupInputSchema, output: setupSchema, isSensitive: true },
  /** Goes on where it stopped, with other keys where these were refused or are not there any more. */
  'endpointSetups.continue': {
    input: z.strictObject({ id: idSchema, apiKey: apiKeySchema.nullable(), s3Keys: s3KeysSchema.nullable() }),
    output: setupSchema,
    isSensitive: true,
  },
  'endpointSetups.remove': { input: z.strictObject({ id: idSchema, keepVolume: z.boolean() }), output: setupSchema },
  /** Puts this app's worker on the volume and points the endpoint at it. */
  'endpointSetups.updateWorker': { input: byIdSchema, output: doneSchema },
})

export const endpointSetupEvents = defineEvents({ 'endpointSetups.changed': z.object({ id: idSchema }) })
