import { z } from 'zod'
import { defineRoutes } from './define.ts'
import { emptySchema } from './primitives.ts'

/** Model families with a known learning-rate rule and LoRA target list. */
export const modelFamilySchema = z.enum(['qwen', 'llama', 'gemma', 'mistral', 'smollm', 'other'])
export type ModelFamily = z.infer<typeof modelFamilySchema>

/** One entry of the shipped catalogue; sizes come from the published config of the model. */
export const baseModelSchema = z.object({
  id: z.string(),
  title: z.string(),
  family: modelFamilySchema,
  parameters: z.int().positive(),
  activeParameters: z.int().positive(),
  hiddenSize: z.int().positive(),
  layers: z.int().positive(),
  contextLength: z.int().positive(),
  licence: z.string(),
  isGated: z.boolean(),
  isMixtureOfExperts: z.boolean(),
  /** Plain advice: what it is good for and what it needs. */
  note: z.string(),
  /** True when it is small enough to train on an ordinary computer without a GPU. */
  fitsThisComputer: z.boolean(),
})
export type BaseModel = z.infer<typeof baseModelSchema>

/** What a run trains on: a Hugging Face id or a folder on this computer. */
export const baseModelRefSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('huggingface'),
    id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9._-]+$/, 'Write it as organisation/name'),
    revision: z.string().max(100).nullable(),
  }),
  z.strictObject({ kind: z.literal('folder'), path: z.string().min(1).max(4096) }),
])
export type BaseModelRef = z.infer<typeof baseModelRefSchema>

/** What is known about a chosen base model; unknown figures are null. */
export const modelFactsSchema = z.object({
  label: z.string(),
  family: modelFamilySchema,
  parameters: z.number().positive().nullable(),
  hiddenSize: z.int().positive().nullable(),
  contextLength: z.int().positive().nullable(),
  /** Whether it is only given to accounts that accepted its licence; null when nobody knows. */
  isGated: z.boolean().nullable(),
})
export type ModelFacts = z.infer<typeof modelFactsSchema>

export const modelRoutes = defineRoutes({
  'models.list': { input: emptySchema, output: z.array(baseModelSchema) },
  'models.describe': { input: z.strictObject({ model: baseModelRefSchema }), output: modelFactsSchema },
  /** Opens the OS folder dialog and checks that the folder holds a model. */
  'models.pickFolder': { input: emptySchema, output: baseModelRefSchema.nullable() },
})
