import type { BaseModel, BaseModelRef, ModelFacts } from '../../../preload/contract/models.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { assertNever } from '../../lib/assert-never.ts'
import { familyOf } from './model-family.ts'
import { describeFolder, findFolderProblem } from './model-folder.ts'

interface ModelServiceDependencies {
  readonly catalogue: readonly BaseModel[]
  /** Opens the system's folder dialog; null when the user closes it. */
  readonly pickModelFolder: (windowId: number) => Promise<string | null>
}

/** The base models: the shipped catalogue, any Hugging Face id and any folder. */
export interface ModelService {
  list(): readonly BaseModel[]
  /** What is known about a model; figures nobody knows are null. */
  describe(model: BaseModelRef): Promise<ModelFacts>
  pickFolder(windowId: number): Promise<BaseModelRef | null>
}

/** Creates the models service over a loaded catalogue. */
export function createModelService({ catalogue, pickModelFolder }: ModelServiceDependencies): ModelService {
  const describeId = (id: string): ModelFacts => {
    // The hub itself does not distinguish the case of names.
    const known = catalogue.find((model) => model.id.toLowerCase() === id.toLowerCase())
    if (known === undefined) {
      return { label: id, family: familyOf(id), parameters: null, hiddenSize: null, contextLength: null, isGated: null }
    }
    const { title, family, parameters, hiddenSize, contextLength, isGated } = known
    return { label: title, family, parameters, hiddenSize, contextLength, isGated }
  }
  return {
    list: () => catalogue,
    async describe(model) {
      switch (model.kind) {
        case 'huggingface':
          return describeId(model.id)
        case 'folder':
          return describeFolder(model.path)
        default:
          return assertNever(model)
      }
    },
    async pickFolder(windowId) {
      const path = await pickModelFolder(windowId)
      if (path === null) return null
      const problem = await findFolderProblem(path)
      if (problem !== null) throw new AppError('MODEL_FOLDER_INVALID', problem)
      return { kind: 'folder', path }
    },
  }
}
