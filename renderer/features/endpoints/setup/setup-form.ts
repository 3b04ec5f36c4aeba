import { z } from 'zod'
import { createSetupInputSchema } from '../../../../preload/contract/endpoint-setups.ts'
import type { RouteInput } from '../../../../preload/contract/contract.ts'

const { name, apiKey } = createSetupInputSchema.shape

/** The form of a new endpoint as it is typed; what is not asked for with the chosen worker may stay empty. */
export const setupFormSchema = z
  .object({
    name,
    apiKey,
    accessKeyId: z.string(),
    secret: z.string(),
    worker: z.enum(['stock', 'own']),
    imageRef: z.string(),
    modelId: z.string().min(1, 'Choose a base model'),
    loadIn4bit: z.boolean(),
    volumeGb: z.string().refine((text) => text.trim() === '' || isVolumeSize(text), 'A whole number of GB from 10 to 4096, or nothing'),
    hfTokenSecret: z.string(),
  })
  .superRefine((values, context) => {
    const problems = createSetupInputSchema.shape
    const check = (path: keyof typeof values, schema: z.ZodType, value: unknown) => {
      const parsed = schema.safeParse(value)
      if (!parsed.success) context.addIssue({ code: 'custom', path: [path], message: parsed.error.issues[0]?.message ?? 'Not usable' })
    }
    const s3 = problems.s3Keys.unwrap().shape
    const isNeeded = values.worker === 'stock' || values.accessKeyId !== '' || values.secret !== ''
    if (isNeeded) {
      check('accessKeyId', s3.accessKeyId, values.accessKeyId)
      check('secret', s3.secret, values.secret)
    }
    if (values.worker === 'own') check('imageRef', problems.image, { kind: 'own', ref: values.imageRef })
    if (values.hfTokenSecret !== '') check('hfTokenSecret', problems.hfTokenSecret, values.hfTokenSecret)
  })
export type SetupForm = z.infer<typeof setupFormSchema>

export const emptySetupForm: SetupForm = {
  name: '',
  apiKey: '',
  accessKeyId: '',
  secret: '',
  worker: 'stock',
  imageRef: '',
  modelId: '',
  loadIn4bit: false,
  volumeGb: '',
  hfTokenSecret: '',
}

/** What RunPod is asked for offers with. */
export function toNeed({ modelId, loadIn4bit, volumeGb }: SetupForm): RouteInput<'endpointSetups.propose'>['need'] {
  return {
    baseModel: { kind: 'huggingface', id: modelId, revision: null },
    loadIn4bit,
    volumeGb: volumeGb.trim() === '' ? null : Number(volumeGb),
  }
}

/** Everything but the chosen offer. */
export function toCreateInput(form: SetupForm): Omit<RouteInput<'endpointSetups.create'>, 'proposal'> {
  const hasS3Keys = form.accessKeyId !== ''
  return {
    name: form.name,
    apiKey: form.apiKey,
    s3Keys: hasS3Keys ? { accessKeyId: form.accessKeyId, secret: form.secret } : null,
    image: form.worker === 'stock' ? { kind: 'stock' } : { kind: 'own', ref: form.imageRef },
    need: toNeed(form),
    hfTokenSecret: form.hfTokenSecret === '' ? null : form.hfTokenSecret,
  }
}

/** Offers belong to what was asked; after a change of any of it they are asked for again. */
export function offersKey({ apiKey: key, modelId, loadIn4bit, volumeGb }: SetupForm): string {
  return JSON.stringify([key, modelId, loadIn4bit, volumeGb.trim()])
}

function isVolumeSize(text: string): boolean {
  const gb = Number(text)
  return Number.isInteger(gb) && gb >= 10 && gb <= 4_096
}
