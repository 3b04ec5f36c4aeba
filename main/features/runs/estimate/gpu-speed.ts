import { z } from 'zod'
import type { ModelFacts } from '../../../../preload/contract/models.ts'
import speedTable from '../../../../resources/gpus/training-speed.json'

const tableSchema = z.strictObject({
  reference: z.string(),
  gpus: z.array(
    z.strictObject({
      class: z.string(),
      title: z.string(),
      pattern: z.string().transform((text) => new RegExp(text, 'i')),
      bf16: z.number().positive(),
      nf4: z.number().positive(),
      spread: z.number().positive(),
      source: z.string(),
    }),
  ),
})
const { gpus } = tableSchema.parse(speedTable)

const referenceParameters = 8.19e9
/** Small models use a GPU less well, so speed grows a little slower than size shrinks. */
const sizeExponent = 0.9
/** Experts have to be read for every pass, however few of them a token uses. */
const mixtureShare = 0.2
const mixtureSpread = 0.35
/** Several GPUs wait for each other at the end of every step. */
const sharedShare = 0.9

/** Names a GPU so that the same card is recognised whoever names it; unknown ones keep their own name. */
export function gpuClassOf(name: string): string {
  return gpus.find(({ pattern }) => pattern.test(name))?.class ?? name.trim().toLowerCase()
}

/** What a model costs per token: the parameters it uses for one; null when its size is not known. */
export function activeParametersOf({ label, parameters }: Pick<ModelFacts, 'label' | 'parameters'>): number | null {
  const active = /\bA(\d+(?:\.\d+)?)B\b/i.exec(label)?.[1]
  return active === undefined ? parameters : Number(active) * 1e9
}

/** True for models that use a part of themselves for each token, which their names tell. */
export function isMixture({ label }: Pick<ModelFacts, 'label'>): boolean {
  return /\bA\d+(?:\.\d+)?B\b|\b\d+x\d+B\b|\bMoE\b/i.test(label)
}

/** Speed from the shipped table. */
export interface TableSpeed {
  readonly title: string
  readonly tokensPerSecond: number
  readonly spread: number
  readonly source: string
}

/** Looks a GPU and a model up; undefined when either is unknown. */
export function findTableSpeed(
  gpu: { readonly name: string; readonly count: number },
  model: Pick<ModelFacts, 'label' | 'parameters'>,
  isIn4bit: boolean,
): TableSpeed | undefined {
  const active = activeParametersOf(model)
  const row = gpus.find(({ pattern }) => pattern.test(gpu.name))
  if (row === undefined || active === null) return undefined
  const one = (isIn4bit ? row.nf4 : row.bf16) * (referenceParameters / active) ** sizeExponent * (isMixture(model) ? mixtureShare : 1)
  return {
    title: row.title,
    tokensPerSecond: gpu.count <= 1 ? one : one * gpu.count * sharedShare,
    spread: row.spread + (isMixture(model) ? mixtureSpread : 0),
    source: row.source,
  }
}
