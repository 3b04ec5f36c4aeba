import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { folderPrefix } from '../../../preload/contract/dataset-shapes.ts'
import { vocabularySchema, type TokenizerChoice, type Vocabulary } from '../../../preload/contract/datasets.ts'
import type { BaseModel } from '../../../preload/contract/models.ts'
import type { TokenModel } from './engine/open-dataset.ts'
import { familyOf } from './engine/tokens/families.ts'

/** The base models whose tokens can be counted here. */
export interface TokenModels {
  list(): Promise<TokenizerChoice[]>
  /** Every vocabulary that comes with the app, with its licences. */
  listVocabularies(): Promise<Vocabulary[]>
  /** The model with this id, or the one to begin with; null when its tokens cannot be counted. A folder's id is its path. */
  find(modelId: string | null): Promise<TokenModel | null>
}

/** The model that is counted with until another one is chosen. */
const firstChoice = 'Qwen/Qwen3-8B'

/** Finds the packed vocabularies that belong to the models of the catalogue. */
export function createTokenModels(vocabulariesFolder: string, models: readonly BaseModel[]): TokenModels {
  const pathOf = (family: string) => join(vocabulariesFolder, `${family}.vocabulary`)
  const counted = () =>
    models.flatMap((model) => {
      const family = familyOf(model.id)
      return family === null || !existsSync(pathOf(family)) ? [] : [{ model, family }]
    })
  return {
    async list() {
      const licences = new Map((await readVocabularies(vocabulariesFolder)).map(({ family, licence }) => [family, licence]))
      return counted().map(({ model, family }) => ({
        modelId: model.id,
        modelName: model.title,
        family,
        licence: licences.get(family) ?? model.licence,
      }))
    },
    listVocabularies: () => readVocabularies(vocabulariesFolder),
    find(modelId) {
      if (modelId?.startsWith(folderPrefix) === true) {
        const path = modelId.slice(folderPrefix.length)
        const tokenizer = { kind: 'folder', path } as const
        return Promise.resolve(isAbsolute(path) ? { modelId, modelName: basename(path), tokenizer } : null)
      }
      const choices = counted()
      const found = choices.find(({ model }) => model.id === (modelId ?? firstChoice)) ?? (modelId === null ? choices[0] : undefined)
      if (found === undefined) return Promise.resolve(null)
      const { model, family } = found
      return Promise.resolve({ modelId: model.id, modelName: model.title, tokenizer: { kind: 'packed', path: pathOf(family) } })
    },
  }
}

const licencesSchema = z.object({ vocabularies: z.array(vocabularySchema) })

async function readVocabularies(folder: string): Promise<Vocabulary[]> {
  const path = join(folder, 'licences.json')
  return existsSync(path) ? licencesSchema.parse(JSON.parse(await readFile(path, 'utf8'))).vocabularies : []
}
