import { AppError } from '../../../preload/contract/errors.ts'
import type { FeatureHandlers } from '../../ipc/router.ts'
import type { DatasetService } from './service.ts'

interface DatasetHandlerDependencies {
  readonly service: DatasetService
  /** Opens the system's file dialog; empty when the user closes it. */
  readonly pickFiles: (windowId: number) => Promise<string[]>
}

/** The routes of the datasets. */
export function createDatasetHandlers({ service, pickFiles }: DatasetHandlerDependencies): FeatureHandlers<'datasets'> {
  return {
    'datasets.list': (input) => service.list(input),
    'datasets.get': ({ id }) => service.get(id),
    'datasets.pickFiles': async (_input, { windowId }) => {
      const previews = []
      for (const path of await pickFiles(windowId)) previews.push(await service.preview(path))
      return previews
    },
    'datasets.previewDrop': (_input, { droppedPath }) => {
      if (droppedPath === null)
        throw new AppError('INVALID_INPUT', 'Nothing usable was dropped. Drop a file from a folder, or choose Import.')
      return service.preview(droppedPath)
    },
    'datasets.previewMapping': async (input) => ({ rows: await service.previewMapping(input) }),
    'datasets.import': (input) => service.importChosen(input),
    'datasets.importSample': ({ sampleId }) => service.importSample(sampleId),
    'datasets.listSamples': () => service.listSamples(),
    'datasets.rename': (input) => service.rename(input),
    'datasets.acceptValidRows': (input) => service.acceptValidRows(input),
    'datasets.validateAgain': ({ id }) => service.validateAgain(id),
    'datasets.setMapping': (input) => service.setMapping(input),
    'datasets.delete': async ({ id }) => {
      await service.delete(id)
      return { done: true }
    },
    'datasets.undoDelete': ({ id }) => service.undoDelete(id),

    'datasets.getOverview': ({ id }) => service.getOverview(id),
    'datasets.listRows': (input) => service.listRows(input),
    'datasets.getRow': (input) => service.getRow(input),
    'datasets.previewTokens': (input) => service.previewTokens(input),
    'datasets.listIssues': ({ id }) => service.listIssues(id),
    'datasets.listIssueExamples': (input) => service.listIssueExamples(input),
    'datasets.previewFix': (input) => service.previewFix(input),
    'datasets.applyEdit': (input) => service.applyEdit(input),
    'datasets.undoEdit': ({ id }) => service.undoEdit(id),
    'datasets.redoEdit': ({ id }) => service.redoEdit(id),
    'datasets.listVersions': ({ id }) => service.listVersions(id),
    'datasets.diffVersions': (input) => service.diffVersions(input),
    'datasets.goToVersion': (input) => service.goToVersion(input),
    'datasets.listTokenizers': () => service.listTokenizers(),
    'datasets.listVocabularies': () => service.listVocabularies(),
    'datasets.countTokens': (input) => service.countTokens(input),
    'datasets.findNearDuplicates': (input) => service.findNearDuplicates(input),
    'datasets.cancelTask': (input) => service.cancelTask(input),
    'datasets.listDuplicates': (input) => service.listDuplicates(input),
    'datasets.setSplit': (input) => service.setSplit(input),
    'datasets.export': (input, { windowId }) => service.export(input, windowId),
    'datasets.exportReport': (input, { windowId }) => service.exportReport(input, windowId),
  }
}
