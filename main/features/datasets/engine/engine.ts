import { rm } from 'node:fs/promises'
import xxhash from 'xxhash-wasm'
import type {
  ColumnMapping,
  DatasetEdit,
  DatasetOverview,
  DatasetTask,
  DatasetTaskKind,
  DatasetVersion,
  DuplicateKind,
  ExportLayout,
  IssueGroup,
  PreviewRow,
  ReportFormat,
  RowDetail,
  RowFilter,
  RowIssue,
  RowSort,
  SplitSettings,
  TokenPreview,
} from '../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../preload/contract/errors.ts'
import { findNearGroups } from './duplicates/near-groups.ts'
import type { EditRecord } from './edits/history.ts'
import { exportRows, type ExportFacts, type ExportSummary } from './export.ts'
import { explainFileError } from './file-errors.ts'
import { writeTrainingFile, type FreezeReport } from './freeze.ts'
import { openDatasetIndex, scanPass } from './index/dataset-index.ts'
import { sampleLanguages } from './languages.ts'
import { openSourceLines, type SourceLines } from './lines.ts'
import { checkDataset, openDataset, type DatasetState, type OpenDataset, type OpenModel, type TokenModel } from './open-dataset.ts'
import { createWorkerPool } from './pass/worker-pool.ts'
import { previewMapping, previewSource, type SourcePreview } from './preview-source.ts'
import { createQuestions, type Page, type Questions } from './questions.ts'
import { makeReport, type ReportFacts } from './report.ts'
import { loadTokenSource, openRowTokens } from './row-tokens.ts'
import { sniffSource } from './sources/sniff.ts'
import { writeWorkingFile } from './sources/write-working-file.ts'
import { createTasks } from './tasks.ts'
import type { LanguageSample } from './view/overview.ts'

/** A dataset to be opened. */
export interface OpenRequest {
  readonly key: string
  readonly path: string
  /** Where the working file's lines come from; null when the file is the user's own. */
  readonly placesPath: string | null
  readonly fileNames: readonly string[]
  readonly indexPath: string
  /** The file is the app's own copy, which nobody else may change. */
  readonly isOwnCopy: boolean
  readonly mapping: ColumnMapping | null
  readonly edits: readonly EditRecord[]
  readonly version: number
  readonly split: SplitSettings | null
  readonly importedAtMs: number
  /** For tests of the range borders. */
  readonly rangeBytes?: number
}

/** Files that were made one working file. */
export interface ImportedWorkingFile {
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  /** Sentences about what was met on the way, each with its file and line. */
  readonly problems: readonly { readonly message: string; readonly count: number }[]
}

export type DatasetEngine = ReturnType<typeof createDatasetEngine>

/** Everything that can be done with datasets outside the main process; every answer can be sent between processes. */
export function createDatasetEngine(options: {
  readonly workerScript: string | URL
  readonly workers: number
  readonly nativeBinding: string | undefined
  readonly onTasks: (key: string, tasks: DatasetTask[]) => void
}) {
  const pool = createWorkerPool({ script: options.workerScript, workers: options.workers })
  const tasks = createTasks(options.onTasks)
  const open = new Map<string, Opened>()
  let lastModel: { readonly name: string; readonly opened: Promise<OpenModel> } | null = null

  /** The tables of a model are large: only those of the last one stay. */
  const openModel = ({ tokenizer }: TokenModel): Promise<OpenModel> => {
    const name = `${tokenizer.kind}:${tokenizer.path}`
    if (lastModel?.name === name) return lastModel.opened
    const open = async () => {
      try {
        const source = await loadTokenSource(tokenizer)
        return { source, rowTokens: openRowTokens(source) }
      } catch (error) {
        // A folder may be mended and chosen again.
        if (lastModel?.name === name) lastModel = null
        throw error
      }
    }
    lastModel = { name, opened: open() }
    return lastModel.opened
  }
  const get = (key: string): Opened => {
    const found = open.get(key)
    if (found === undefined)
      throw new AppError('DATASET_NOT_READY', 'The dataset is still being checked. Try again when that is done.', { retryable: true })
    return found
  }
  const close = async (key: string) => {
    await tasks.cancelAll(key)
    const opened = open.get(key)
    open.delete(key)
    opened?.dataset.close()
    opened?.lines.close()
  }

  return {
    previewSource: (path: string): Promise<SourcePreview> => previewSource(path),
    previewMapping: (path: string, mapping: ColumnMapping): Promise<PreviewRow[]> => previewMapping(path, mapping),
    /** True when the file can be worked on where it is. */
    async isPlain(path: string): Promise<boolean> {
      // Whoever asks is about to open the file.
      pool.warm()
      return (await sniffSource(path)).isPlain
    },
    /** Makes one working file of one or more sources. */
    importSources: (key: string, paths: readonly string[], targetPath: string, placesPath: string): Promise<ImportedWorkingFile> =>
      tasks.run(key, 'import', async ({ signal, onProgress }) => {
        const sources = await Promise.all(paths.map(async (path) => ({ path, sniff: await sniffSource(path) })))
        const { rows, bytes, sha256, problems, problemCounts } = await writeWorkingFile({
          sources,
          targetPath,
          placesPath,
          signal,
          onProgress: (doneBytes, totalBytes) => onProgress({ doneBytes, totalBytes, resumedBytes: 0 }),
        })
        const kinds = Object.entries(problemCounts).map(([kind, count]) => ({
          message: problems.find((problem) => problem.kind === kind)?.message ?? kind,
          count,
        }))
        return { rows, bytes, sha256, problems: kinds }
      }),

    /** Checks a file, or goes on with an interrupted check, and opens it; an index that cannot be read is made anew. */
    open: (request: OpenRequest): Promise<DatasetState> =>
      tasks.run(request.key, 'check', async (work) => {
        const before = open.get(request.key)
        open.delete(request.key)
        before?.dataset.close()
        before?.lines.close()
        const opened = await openChecked(request, work)
        open.set(request.key, opened)
        return opened.dataset.state()
      }),
    close,
    isOpen: (key: string): boolean => open.has(key),
    state: (key: string): DatasetState => get(key).dataset.state(),

    /** Loads a model's vocabulary while something else is waited for; what fails is told when its tokens are counted. */
    async prepareTokens(model: TokenModel): Promise<void> {
      await Promise.allSettled([openModel(model)])
    },
    countTokens: (key: string, model: TokenModel): Promise<DatasetState> =>
      tasks.run(key, 'tokens', async (work) => {
        const { dataset } = get(key)
        await dataset.countTokens(model, work)
        return dataset.state()
      }),
    scan: (key: string): Promise<DatasetState> =>
      tasks.run(key, 'scan', async (work) => {
        const opened = get(key)
        await opened.dataset.scan(work)
        opened.languages = await sampleLanguages(opened.dataset)
        return opened.dataset.state()
      }),
    findNearDuplicates: (key: string, threshold: number): Promise<DatasetState> =>
      tasks.run(key, 'near_duplicates', async (work) => {
        const { dataset } = get(key)
        dataset.setNearGroups(await findNearGroups(dataset, pool, threshold, work))
        return dataset.state()
      }),
    cancelTask: (key: string, kind: DatasetTaskKind): Promise<void> => tasks.cancel(key, kind),
    listTasks: (key: string): DatasetTask[] => tasks.list(key),

    setSplit(key: string, settings: SplitSettings | null): DatasetState {
      const { dataset } = get(key)
      dataset.setSplit(settings)
      return dataset.state()
    },
    async applyEdit(
      key: string,
      edit: DatasetEdit,
      atMs: number,
    ): Promise<{ record: EditRecord; rowsChanged: number; state: DatasetState }> {
      const { dataset } = get(key)
      const { rowsChanged, ...record } = await dataset.applyEdit(edit, atMs)
      return { record, rowsChanged, state: dataset.state() }
    },
    goToVersion(key: string, version: number): DatasetState {
      const { dataset } = get(key)
      dataset.goTo(version)
      return dataset.state()
    },

    overview: (key: string): DatasetOverview => get(key).questions.overview(),
    listRows: (key: string, filter: RowFilter, sort: RowSort, page: Page) => get(key).questions.listRows(filter, sort, page),
    getRow: (key: string, row: number): RowDetail => get(key).questions.getRow(row),
    async previewTokens(key: string, row: number, model: TokenModel, maxLength: number): Promise<TokenPreview> {
      const { rowTokens } = await openModel(model)
      return get(key).questions.previewTokens(row, model, rowTokens, maxLength)
    },
    listIssues: (key: string): IssueGroup[] => get(key).questions.listIssues(),
    listIssueExamples: (key: string, rule: string, page: Page): { total: number; examples: RowIssue[] } =>
      get(key).questions.listIssueExamples(rule, page),
    previewFix: (key: string, rule: string) => get(key).questions.previewFix(rule),
    listVersions: (key: string): DatasetVersion[] => get(key).questions.listVersions(get(key).request.importedAtMs),
    diffVersions: (key: string, from: number, to: number) => get(key).questions.diffVersions(from, to),
    listDuplicates: (key: string, of: DuplicateKind, page: Page) => get(key).questions.listDuplicates(of, page),

    exportRows: (key: string, layout: ExportLayout, folder: string, facts: ExportFacts): Promise<ExportSummary> =>
      tasks.run(key, 'export', async (work) => exportRows(get(key).dataset, get(key).request.mapping, { layout, folder, facts }, work)),
    report: (key: string, format: ReportFormat, facts: ReportFacts): string =>
      makeReport(get(key).dataset, get(key).questions, get(key).lines, format, facts),
    /** Writes the training file of the rows that can be trained on now. */
    freeze: (key: string, targetPath: string): Promise<FreezeReport> =>
      writeTrainingFile(get(key).dataset, targetPath, { signal: new AbortController().signal, onProgress: () => undefined }),

    /** Ends everything; what is done is kept. */
    async dispose(): Promise<void> {
      await Promise.all([...open.keys()].map(close))
      await tasks.cancelAll()
      await pool.dispose()
    },
  }

  async function openChecked(request: OpenRequest, work: Parameters<typeof checkDataset>[2]): Promise<Opened> {
    const index = await openIndexOrAnew(request, options.nativeBinding)
    try {
      await checkDataset(index, pool, work)
      const { h64Raw } = await xxhash()
      const { edits, version, split } = request
      const dataset = openDataset({ index, pool, hash: h64Raw, openModel, edits, version, split })
      const lines = await openSourceLines(dataset.view.table.columns, request.placesPath, request.fileNames)
      const opened: Opened = {
        request,
        dataset,
        lines,
        questions: createQuestions(dataset, lines, () => opened.languages),
        languages: index.isDone(scanPass) ? await sampleLanguages(dataset) : null,
      }
      return opened
    } catch (error) {
      index.close()
      throw explainFileError(error)
    }
  }
}

interface Opened {
  readonly request: OpenRequest
  readonly dataset: OpenDataset
  readonly lines: SourceLines
  readonly questions: Questions
  languages: LanguageSample | null
}

async function openIndexOrAnew(request: OpenRequest, nativeBinding: string | undefined) {
  const { path, indexPath, mapping, isOwnCopy, rangeBytes } = request
  const openIt = () =>
    openDatasetIndex({ path, indexPath, mapping, isOwnCopy, nativeBinding, ...(rangeBytes === undefined ? {} : { rangeBytes }) })
  try {
    return await openIt()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'DATABASE_DAMAGED') throw explainFileError(error)
    for (const ending of ['', '-wal', '-shm']) await rm(`${indexPath}${ending}`, { force: true })
    return openIt()
  }
}
