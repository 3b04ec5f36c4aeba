import type {
  DatasetEdit,
  DatasetShape,
  DatasetStats,
  DatasetTokens,
  RowChoice,
  RowFilter,
  RowSort,
  SplitSettings,
} from '../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../preload/contract/errors.ts'
import { createHistory, type EditHistory, type EditRecord } from './edits/history.ts'
import type { RowChange } from './edits/overlay.ts'
import { resolveEdit, storeEdit, type ResolvedEdit } from './edits/resolve-edit.ts'
import type { NearGroups } from './duplicates/near-groups.ts'
import { redactText } from './hygiene/redact.ts'
import { createRowScanner } from './hygiene/row-scanner.ts'
import { checkPass, scanPass, type DatasetIndex, type PassProgress, type StoredPass } from './index/dataset-index.ts'
import type { HashBytes } from './pass/check-range.ts'
import type { WorkerPool } from './pass/worker-pool.ts'
import type { RowContent } from './row-model.ts'
import { createRowFixer } from './rows/fixes.ts'
import { createRowReader } from './rows/row-reader.ts'
import { ruleById } from './rows/rules.ts'
import { assignSplits, type SplitAssignment } from './splits/assign-splits.ts'
import { strataOf } from './splits/strata.ts'
import { tokenSourceName, type TokenizerPlace, type TokenSource } from './row-tokens.ts'
import { settleRoute, templateCheckRows } from './templates/check-template.ts'
import type { TemplateTokens } from './templates/row-tokens.ts'
import { createDatasetView, type DatasetView } from './view/dataset-view.ts'
import { filterNumbers } from './view/filter-numbers.ts'
import { filterRows, sortRows } from './view/filter-rows.ts'
import { markOtherScripts } from './view/other-scripts.ts'
import { createRowSource } from './view/row-source.ts'
import { shapeOfDataset } from './view/row-facts.ts'
import { createTextSearch, type TextSearch } from './view/text-search.ts'

/** A model whose tokens are counted. */
export interface TokenModel {
  readonly modelId: string
  readonly modelName: string
  readonly tokenizer: TokenizerPlace
}

/** A model's tokenizer and template, loaded. */
export interface OpenModel {
  readonly source: TokenSource
  readonly rowTokens: TemplateTokens
}

/** What the app stores of a dataset after every change. */
export interface DatasetState {
  readonly stats: DatasetStats
  readonly shape: DatasetShape | null
  readonly tokens: DatasetTokens | null
  readonly split: { readonly settings: SplitSettings; readonly rows: SplitAssignment['counts']; readonly groups: number } | null
  readonly version: number
  readonly edits: number
}

interface OpenDatasetDependencies {
  readonly index: DatasetIndex
  readonly pool: WorkerPool
  readonly hash: HashBytes
  readonly openModel: (model: TokenModel) => Promise<OpenModel>
  readonly edits: readonly EditRecord[]
  readonly version: number
  readonly split: SplitSettings | null
}

/** One checked dataset: its passes, its edits and what can be asked about its rows. */
export interface OpenDataset {
  readonly index: DatasetIndex
  readonly view: DatasetView
  readonly history: EditHistory
  readonly search: TextSearch
  readonly tokenModel: TokenModel | null
  readonly nearGroups: NearGroups | null
  countTokens(model: TokenModel, work: PassWork): Promise<void>
  scan(work: PassWork): Promise<void>
  setNearGroups(groups: NearGroups): void
  setSplit(settings: SplitSettings | null): void
  /** Rows that match, in the wanted order; `searched` is below 1 while a text search still runs. */
  listRows(filter: RowFilter, sort: RowSort): Promise<{ rows: Uint32Array; searched: number }>
  chooseRows(choice: RowChoice): Promise<Uint32Array>
  resolve(edit: DatasetEdit): Promise<ResolvedEdit>
  /** Carries out an edit and answers what is to be stored. */
  applyEdit(edit: DatasetEdit, atMs: number): Promise<EditRecord & { readonly rowsChanged: number }>
  goTo(version: number): void
  planFix(rule: string, limit: number): Promise<{ rows: number; label: string; changes: RowChange[] }>
  state(): DatasetState
  close(): void
}

/** What a long pass reports and listens to. */
export interface PassWork {
  readonly signal: AbortSignal
  readonly onProgress: (progress: PassProgress) => void
}

/** Checks all rows of a file, or goes on where an interrupted check stopped. */
export async function checkDataset(index: DatasetIndex, pool: WorkerPool, work: PassWork): Promise<void> {
  await index.run(checkPass, { pool, ...work })
}

/** The pass that counts with one tokenizer, by the way that was found to be exact for this file. */
function tokenPass({ source, rowTokens }: OpenModel): StoredPass {
  const route = rowTokens.isFast ? 'fast' : 'jinja'
  return { name: `tokens:${tokenSourceName(source)}`, kind: { kind: 'tokens', source, route }, priority: 2 }
}

/** Opens a dataset whose check is done, and carries out its edits. */
export function openDataset(dependencies: OpenDatasetDependencies): OpenDataset {
  const { index, pool, hash, openModel } = dependencies
  const checked = index.loadRows()
  const fixer = createRowFixer({ mapping: index.mapping })
  const view = createDatasetView({
    checked,
    source: createRowSource(index.path, checked.columns),
    reader: createRowReader({ mapping: index.mapping }),
    hash,
    fix: (bytes, rule) => fixer.fix(bytes, ruleById(rule)?.number ?? -1)?.text ?? null,
    redact: redactText,
  })
  const history = createHistory(view, dependencies.edits, dependencies.version)
  const search = createTextSearch(index, view, pool)
  let tokenModel: TokenModel | null = null
  let splitSettings = dependencies.split
  let assignment: SplitAssignment | null = null
  let nearGroups: NearGroups | null = null
  let lastList: { key: string; rows: Uint32Array } | null = null

  const changed = () => {
    lastList = null
    divide()
  }
  const divide = () => {
    const { scan, columns } = view.table
    if (splitSettings === null || scan === null) {
      assignment = null
      if (view.table.split !== null) view.setSplit(null)
      return
    }
    const usable = new Uint8Array(columns.rows)
    for (let row = 0; row < columns.rows; row += 1) usable[row] = view.isUsable(row) ? 1 : 0
    const rows = { rows: columns.rows, usable }
    assignment = assignSplits({
      ...rows,
      ...scan,
      nearGroup: nearGroups?.groupOf ?? null,
      stratum: strataOf(splitSettings.stratifyBy, { ...rows, characters: columns.characters, shape: columns.shape, script: scan.script }),
      settings: splitSettings,
    })
    view.setSplit(assignment.splitOf)
  }
  const loadScan = () => {
    const scan = index.loadScan(checked.columns.rows)
    view.setScan(scan, createRowScanner())
    markOtherScripts(scan)
    changed()
  }
  const listRows = async (filter: RowFilter, sort: RowSort) => {
    const found = filter.text === '' ? null : await search.find(filter.text)
    const searched = found?.searched ?? 1
    const key = JSON.stringify([filter, sort, searched, found?.rows.length])
    if (lastList?.key !== key) {
      lastList = { key, rows: sortRows(filterRows(view.table, filter, filterNumbers, found?.rows ?? null), sort, view.table) }
    }
    return { rows: lastList.rows, searched }
  }
  const chooseRows = async (choice: RowChoice): Promise<Uint32Array> => {
    if (choice.kind === 'rows')
      return Uint32Array.from(new Set(choice.rows))
        .filter((row) => row < checked.columns.rows)
        .sort()
    const { filter } = choice
    return filterRows(view.table, filter, filterNumbers, filter.text === '' ? null : await search.findAll(filter.text))
  }
  const resolve = async (edit: DatasetEdit) => {
    const chosen = 'choice' in edit ? await chooseRows(edit.choice) : new Uint32Array(0)
    return resolveEdit(view, edit, () => chosen)
  }
  if (index.isDone(scanPass)) loadScan()

  return {
    index,
    view,
    history,
    search,
    get tokenModel() {
      return tokenModel
    },
    get nearGroups() {
      return nearGroups
    },
    async countTokens(model, work) {
      const opened = await openModel(model)
      // The threads begin at once; this thread takes no answer of theirs before it has compared the fast path with Jinja.
      const doubt = new AbortController()
      const attempt = index.run(tokenPass(opened), { pool, ...work, signal: AbortSignal.any([work.signal, doubt.signal]) })
      if (settleRoute(firstContents(view), opened.rowTokens).difference !== null) doubt.abort()
      const [counted] = await Promise.allSettled([attempt])
      const pass = tokenPass(opened)
      if (doubt.signal.aborted) await index.run(pass, { pool, ...work })
      else if (counted.status === 'rejected') throw counted.reason
      tokenModel = model
      view.setTokens(index.loadTokens(pass, checked.columns.rows), opened.rowTokens)
      changed()
    },
    async scan(work) {
      await index.run(scanPass, { pool, ...work })
      loadScan()
    },
    setNearGroups(groups) {
      nearGroups = groups
      view.setNearGroups(groups.groupOf)
      changed()
    },
    setSplit(settings) {
      if (settings !== null && view.table.scan === null) {
        throw new AppError('DATASET_NOT_READY', 'The rows are still being scanned. Divide them when that is done.', { retryable: true })
      }
      splitSettings = settings
      changed()
    },
    listRows,
    chooseRows,
    resolve,
    async applyEdit(edit, atMs) {
      const { edit: resolved, titleOf } = await resolve(edit)
      const changes = view.plan(resolved)
      if (changes.length === 0) throw new AppError('INVALID_INPUT', 'Nothing changes with this. Choose other rows.')
      const record = { edit: storeEdit(resolved, changes), title: titleOf(changes.length), atMs }
      history.add(record, changes)
      changed()
      return { ...record, rowsChanged: changes.length }
    },
    goTo(version) {
      history.goTo(version)
      changed()
    },
    async planFix(rule, limit) {
      const { edit, titleOf } = await resolve({ kind: 'fix', rule })
      return { rows: edit.rows.length, label: titleOf(edit.rows.length), changes: view.plan(edit, limit) }
    },
    state() {
      const sums = view.tokenSums()
      return {
        stats: view.stats(),
        shape: shapeOfDataset(view),
        tokens: sums === null || tokenModel === null ? null : { modelId: tokenModel.modelId, modelName: tokenModel.modelName, ...sums },
        split:
          splitSettings === null || assignment === null
            ? null
            : { settings: splitSettings, rows: assignment.counts, groups: assignment.groups },
        version: history.version,
        edits: history.length,
      }
    },
    close() {
      search.forget()
      view.close()
      index.close()
    },
  }
}

/** The first usable rows, on which the fast way of counting is compared with the template itself. */
function* firstContents(view: DatasetView): Generator<RowContent> {
  let count = 0
  for (let row = 0; row < view.table.columns.rows && count < templateCheckRows; row += 1) {
    const content = view.isUsable(row) ? view.read(row).content : null
    if (content === null) continue
    count += 1
    yield content
  }
}
