import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { ModelFacts } from '../../../preload/contract/models.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { familyOf } from './model-family.ts'

const positiveInt = z.int().positive().optional().catch(undefined)
const sizesSchema = z.object({ hidden_size: positiveInt, max_position_embeddings: positiveInt })
/** A config.json by anyone: unknown keys are ignored and wrong values count as absent. */
const configSchema = sizesSchema.extend({
  model_type: z.string().optional().catch(undefined),
  architectures: z.array(z.string()).optional().catch(undefined),
  // Models that also see images keep the sizes of the text part here.
  text_config: sizesSchema.optional().catch(undefined),
})

const maxConfigBytes = 1024 * 1024

/** Says what is missing in a folder that should hold a model in Hugging Face's layout; null when it is complete. */
export async function findFolderProblem(path: string): Promise<string | null> {
  const names = await listNames(path)
  if (names === null) return 'The folder cannot be read. Check that it is there and that you may open it.'
  const missing: string[] = []
  if (!names.has('config.json')) missing.push('config.json')
  if (![...names].some((name) => name.endsWith('.safetensors'))) missing.push('the weights (*.safetensors)')
  if (!names.has('tokenizer.json') && !names.has('tokenizer.model')) missing.push('the tokenizer (tokenizer.json or tokenizer.model)')
  if (missing.length > 0) {
    const hint = [...names].some((name) => name.endsWith('.bin') || name.endsWith('.pt'))
      ? ' Weights in .bin or .pt files can run code when they are opened and are not used.'
      : ''
    return `The folder lacks ${missing.join(', ')}. Choose the folder of a model in Hugging Face's layout.${hint}`
  }
  return (await readConfig(path)) === null ? 'The file config.json in the folder cannot be read as JSON. Download the model again.' : null
}

/** What the folder's config says about the model; figures it does not give are null. */
export async function describeFolder(path: string): Promise<ModelFacts> {
  const problem = await findFolderProblem(path)
  if (problem !== null) throw new AppError('MODEL_FOLDER_INVALID', problem)
  const config = await readConfig(path)
  return {
    label: basename(path),
    family: familyOf([config?.model_type ?? '', ...(config?.architectures ?? [])].join(' ')),
    parameters: null,
    isGated: false,
    hiddenSize: config?.hidden_size ?? config?.text_config?.hidden_size ?? null,
    contextLength: config?.max_position_embeddings ?? config?.text_config?.max_position_embeddings ?? null,
  }
}

async function readConfig(path: string): Promise<z.infer<typeof configSchema> | null> {
  const file = join(path, 'config.json')
  try {
    if ((await stat(file)).size > maxConfigBytes) return null
    return configSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error)) return null
    throw error
  }
}

async function listNames(path: string): Promise<ReadonlySet<string> | null> {
  try {
    return new Set(await readdir(path))
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}
