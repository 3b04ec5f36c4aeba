import { AppError } from '../../../preload/contract/errors.ts'
import type { FeatureHandlers } from '../../ipc/router.ts'
import type { DatasetService } from './service.ts'

interface DatasetHandlerDependencies {
  readonly service: DatasetService
  /** Opens the system's file dialog; null when the user closes it. */
  readonly pickFile: (windowId: number) => Promise<string | null>
}

/** The routes of the datasets. */
export function createDatasetHandlers({ service, pickFile }: DatasetHandlerDependencies): FeatureHandlers<'datasets'> {
  return {
    'datasets.list': (input) => service.list(input),
    'datasets.get': ({ id }) => service.get(id),
    'datasets.pickFile': async (_input, { windowId }) => {
      const path = await pickFile(windowId)
      return path === null ? null : service.preview(path)
    },
    'datasets.previewDrop': (_input, { droppedPath }) => {
      if (droppedPath === null)
        throw new AppError('INVALID_INPUT', 'Nothing usable was dropped. Drop a file from a folder, or choose Import.')
      return service.preview(droppedPath)
    },
    'datasets.import': (input) => service.importChosen(input),
    'datasets.importSample': ({ sampleId }) => service.importSample(sampleId),
    'datasets.listSamples': () => service.listSamples(),
    'datasets.rename': (input) => service.rename(input),
    'datasets.acceptValidRows': (input) => service.acceptValidRows(input),
    'datasets.validateAgain': ({ id }) => service.validateAgain(id),
    'datasets.listErrors': (input) => service.listErrors(input),
    'datasets.listRows': (input) => service.listRows(input),
    'datasets.delete': async ({ id }) => {
      await service.delete(id)
      return { done: true }
    },
    'datasets.undoDelete': ({ id }) => service.undoDelete(id),
  }
}
