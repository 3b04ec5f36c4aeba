import { basename } from 'node:path'
import type { RouteOutput, RouteParsed } from '../../../preload/contract/contract.ts'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { writeFileAtomically } from '../../lib/atomic-file.ts'
import type { ReportFacts } from './engine/report.ts'
import type { EngineClient } from './engine/host/connect.ts'
import type { DatasetState } from './engine/open-dataset.ts'
import { reportExtension } from './engine/output/reports/write-report.ts'
import type { OpenDatasets } from './open-datasets.ts'
import type { Preparation } from './preparation.ts'
import type { DatasetRecord } from './repository.ts'
import type { DatasetServiceDependencies } from './service.ts'
import { judgeDataset } from './verdict.ts'

interface RowServiceDependencies extends Pick<
  DatasetServiceDependencies,
  'repository' | 'tokenModels' | 'clock' | 'events' | 'appVersion' | 'pickTargetFolder' | 'pickTargetFile'
> {
  readonly engine: EngineClient
  readonly openDatasets: OpenDatasets
  readonly preparation: Preparation
  readonly record: (id: string) => DatasetRecord
  readonly get: (id: string) => Dataset
}

/** What the pages ask about the rows of a dataset, and what changes them. */
export function createRowService(dependencies: RowServiceDependencies) {
  const { repository, engine, openDatasets, preparation, tokenModels, clock, events, record, get } = dependencies

  /** The engine, once it has the dataset open. */
  const opened = async (id: string): Promise<EngineClient> => {
    const dataset = record(id)
    if (dataset.relativePath === null || dataset.status === 'importing')
      throw new AppError('DATASET_NOT_READY', 'The dataset is still being imported. Try again when that is done.', { retryable: true })
    await openDatasets.ready(dataset)
    return engine
  }
  const keep = (id: string, state: DatasetState): Dataset => {
    repository.setState(id, state, clock.nowMs())
    judgeAgain(id, state)
    return get(id)
  }
  const judgeAgain = (id: string, { stats }: DatasetState) => {
    const { status, errorMessage } = judgeDataset(stats, record(id).acceptsValidRowsOnly)
    repository.setStatus(id, status, errorMessage, clock.nowMs())
    events.publish('datasets.changed', { id })
  }
  /** Work that changes what the engine holds; when it cannot be kept, the dataset is opened anew from what is stored. */
  const change = async (id: string, work: (engine: EngineClient) => Promise<DatasetState>): Promise<Dataset> => {
    const state = await work(await opened(id))
    try {
      return keep(id, state)
    } catch (error) {
      await openDatasets.close(id)
      throw error
    }
  }
  const factsOf = (id: string): ReportFacts => {
    const { name, fileNames, sha256, sizeBytes } = get(id)
    return { appVersion: dependencies.appVersion, createdAtMs: clock.nowMs(), name, fileNames, sha256, sizeBytes }
  }
  const model = async (modelId: string) => {
    const found = await tokenModels.find(modelId)
    if (found === null) throw new AppError('MODEL_UNKNOWN', 'Tokens of this model cannot be counted here. Choose another one.')
    return found
  }

  return {
    getOverview: async (id: string): Promise<RouteOutput<'datasets.getOverview'>> => (await opened(id)).overview(id),
    listRows: async ({ id, filter, sort, offset, limit }: RouteParsed<'datasets.listRows'>): Promise<RouteOutput<'datasets.listRows'>> =>
      (await opened(id)).listRows(id, filter, sort, { offset, limit }),
    getRow: async ({ id, row }: RouteParsed<'datasets.getRow'>): Promise<RouteOutput<'datasets.getRow'>> =>
      (await opened(id)).getRow(id, row),
    async previewTokens({
      id,
      row,
      modelId,
      maxLength,
    }: RouteParsed<'datasets.previewTokens'>): Promise<RouteOutput<'datasets.previewTokens'>> {
      return (await opened(id)).previewTokens(id, row, await model(modelId), maxLength)
    },
    listIssues: async (id: string): Promise<RouteOutput<'datasets.listIssues'>> => (await opened(id)).listIssues(id),
    listIssueExamples: async ({ id, rule, offset, limit }: RouteParsed<'datasets.listIssueExamples'>) =>
      (await opened(id)).listIssueExamples(id, rule, { offset, limit }),
    previewFix: async ({ id, rule }: RouteParsed<'datasets.previewFix'>) => (await opened(id)).previewFix(id, rule),
    listDuplicates: async ({ id, of, offset, limit }: RouteParsed<'datasets.listDuplicates'>) =>
      (await opened(id)).listDuplicates(id, of, { offset, limit }),
    listVersions: async (id: string): Promise<RouteOutput<'datasets.listVersions'>> => (await opened(id)).listVersions(id),
    diffVersions: async ({ id, from, to }: RouteParsed<'datasets.diffVersions'>) => (await opened(id)).diffVersions(id, from, to),

    async applyEdit({ id, edit }: RouteParsed<'datasets.applyEdit'>): Promise<Dataset> {
      const { record: edited, state } = await (await opened(id)).applyEdit(id, edit, clock.nowMs())
      try {
        repository.addEdit(id, edited, state, clock.nowMs())
      } catch (error) {
        await openDatasets.close(id)
        throw error
      }
      judgeAgain(id, state)
      return get(id)
    },
    undoEdit: (id: string): Promise<Dataset> => change(id, (open) => open.goToVersion(id, record(id).version - 1)),
    redoEdit: (id: string): Promise<Dataset> => change(id, (open) => open.goToVersion(id, record(id).version + 1)),
    goToVersion: ({ id, version }: RouteParsed<'datasets.goToVersion'>): Promise<Dataset> =>
      change(id, (open) => open.goToVersion(id, version)),
    setSplit: ({ id, settings }: RouteParsed<'datasets.setSplit'>): Promise<Dataset> => change(id, (open) => open.setSplit(id, settings)),

    listTokenizers: () => tokenModels.list(),
    listVocabularies: () => tokenModels.listVocabularies(),
    async countTokens({ id, modelId }: RouteParsed<'datasets.countTokens'>): Promise<Dataset> {
      await model(modelId)
      await opened(id)
      preparation.countTokens(id, modelId)
      return get(id)
    },
    async findNearDuplicates({ id, threshold }: RouteParsed<'datasets.findNearDuplicates'>): Promise<Dataset> {
      await opened(id)
      preparation.findNearDuplicates(id, threshold)
      return get(id)
    },
    async cancelTask({ id, kind }: RouteParsed<'datasets.cancelTask'>): Promise<Dataset> {
      record(id)
      await engine.cancelTask(id, kind)
      return get(id)
    },

    async export({ id, layout }: RouteParsed<'datasets.export'>, windowId: number): Promise<RouteOutput<'datasets.export'>> {
      record(id)
      const folder = await dependencies.pickTargetFolder(windowId, 'Export to a folder')
      if (folder === null) return null
      const { sizeBytes: _sizeBytes, ...facts } = factsOf(id)
      const exported = await (await opened(id)).exportRows(id, layout, folder, facts)
      return { ...exported, folder: basename(exported.folder) }
    },
    async exportReport(
      { id, format }: RouteParsed<'datasets.exportReport'>,
      windowId: number,
    ): Promise<RouteOutput<'datasets.exportReport'>> {
      const { name } = record(id)
      const extension = reportExtension(format)
      const path = await dependencies.pickTargetFile(
        windowId,
        'Save the report',
        `${name} report.${extension}`,
        extension.split('.').at(-1) ?? extension,
      )
      if (path === null) return null
      const text = await (await opened(id)).report(id, format, factsOf(id))
      await writeFileAtomically(path, text)
      return { fileName: basename(path), bytes: Buffer.byteLength(text) }
    },
  }
}
