import { baseModelRefSchema, type BaseModel, type BaseModelRef, type ModelFamily } from '../../../preload/contract/models.ts'

/** One family of the catalogue, smallest model first. */
export interface ModelGroup {
  readonly family: ModelFamily
  readonly title: string
  readonly models: readonly BaseModel[]
}

const familyTitles: Readonly<Record<ModelFamily, string>> = {
  smollm: 'SmolLM',
  qwen: 'Qwen',
  llama: 'Llama',
  gemma: 'Gemma',
  mistral: 'Mistral',
  other: 'Other',
}
const familyOrder: readonly ModelFamily[] = ['smollm', 'qwen', 'llama', 'gemma', 'mistral', 'other']

/** Sorts the catalogue into families; families without a model are left out. */
export function groupModels(models: readonly BaseModel[]): readonly ModelGroup[] {
  return familyOrder.flatMap((family) => {
    const members = models.filter((model) => model.family === family).toSorted((a, b) => a.parameters - b.parameters)
    return members.length === 0 ? [] : [{ family, title: familyTitles[family], models: members }]
  })
}

/** Models whose name or id holds the text. */
export function searchModels(models: readonly BaseModel[], search: string): readonly BaseModel[] {
  const wanted = search.trim().toLowerCase()
  return wanted === '' ? models : models.filter((model) => `${model.title} ${model.id}`.toLowerCase().includes(wanted))
}

/** Writes a parameter count: "135 M", "1.7 B". */
export function writeParameters(count: number): string {
  if (count >= 1e9) return `${trimmed(count / 1e9)} B`
  if (count >= 1e6) return `${Math.round(count / 1e6)} M`
  return count.toLocaleString('en-US')
}

/** Size of a model in words; a mixture of experts names the share at work for each token. */
export function describeSize(model: BaseModel): string {
  const all = `${writeParameters(model.parameters)} parameters`
  return model.isMixtureOfExperts ? `${all}, ${writeParameters(model.activeParameters)} at work per token` : all
}

/** How a chosen model is named in one line; a folder by its last part. */
export function nameModel(model: BaseModelRef, catalogue: readonly BaseModel[]): string {
  switch (model.kind) {
    case 'huggingface':
      return catalogue.find((entry) => entry.id === model.id)?.title ?? model.id
    case 'folder':
      return model.path.split(/[\\/]/).findLast((part) => part !== '') ?? model.path
  }
}

/** Reads a typed Hugging Face id; a pasted address of the site is taken too. */
export function readModelId(text: string): { model: BaseModelRef; error: null } | { model: null; error: string } {
  const id = text
    .trim()
    .replace(/^https:\/\/huggingface\.co\//, '')
    .replace(/\/+$/, '')
  const parsed = baseModelRefSchema.safeParse({ kind: 'huggingface', id, revision: null })
  return parsed.success
    ? { model: parsed.data, error: null }
    : { model: null, error: 'Write it as organisation/name, for example Qwen/Qwen3-0.6B.' }
}

/** True when both mean the same model. */
export function isSameModel(a: BaseModelRef | null, b: BaseModelRef): boolean {
  if (a === null) return false
  if (a.kind === 'folder') return b.kind === 'folder' && a.path === b.path
  return b.kind === 'huggingface' && a.id === b.id && a.revision === b.revision
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(value >= 10 ? 0 : 1)))
}
