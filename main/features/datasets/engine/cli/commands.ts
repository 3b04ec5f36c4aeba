import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { reportFormatSchema, type ReportFormat } from '../../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { assertNever } from '../../../../lib/assert-never.ts'
import { createDatasetEngine, type DatasetEngine } from '../engine.ts'
import { explainFileError } from '../file-errors.ts'
import type { DatasetState, TokenModel } from '../open-dataset.ts'
import { previewRows } from '../preview-source.ts'
import { searchFile } from '../search-file.ts'
import { familyOf } from '../tokens/families.ts'
import { readArguments, usage, type ParsedCommand } from './arguments.ts'
import type { CommandOutput } from './output.ts'
import { printFound } from './search.ts'

const key = 'file'
const examplesPerIssue = 3
const examplesInJson = 1000
const pageRows = 200

/** Runs one command of the engine; answers its exit status. */
export async function runCommand(argv: readonly string[], output: CommandOutput): Promise<number> {
  const command = readArguments(argv)
  if ('problem' in command) {
    output.writeError(`${command.problem}\n\n${usage}`)
    return 2
  }
  const workFolder = await mkdtemp(join(tmpdir(), 'tunesmith-engine-'))
  const engine = createDatasetEngine({
    workerScript: output.workerScript,
    workers: command.options.workers,
    nativeBinding: output.environment['TUNESMITH_SQLITE_BINDING'],
    onTasks: () => undefined,
  })
  try {
    return await carryOut(command, engine, workFolder, output)
  } catch (thrown) {
    const error = explainFileError(thrown)
    if (!(error instanceof AppError)) throw error
    output.writeError(`${error.message}\n`)
    return 2
  } finally {
    await engine.dispose()
    await rm(workFolder, { recursive: true, force: true })
  }
}

async function carryOut(command: ParsedCommand, engine: DatasetEngine, workFolder: string, output: CommandOutput): Promise<number> {
  const { name, file, text, options } = command
  const print = (value: object, lines: () => string[]) =>
    output.write(options.json ? `${JSON.stringify(value)}\n` : `${lines().join('\n')}\n`)
  if (name === 'rows') {
    const { evidence, rows } = await previewRows(file, options.first)
    print({ evidence, rows }, () => rows.map((row) => `${row.line}: ${row.text.slice(0, 200)}`))
    return 0
  }
  if (name === 'search') {
    const lines = await searchFile(await readablePath(engine, file, workFolder), text)
    printFound(lines, options.json, output)
    return 0
  }
  if (name === 'tokens') void engine.prepareTokens(tokenModel(command, output))
  const state = await openFile(engine, command, workFolder)
  if (options.report !== undefined) await writeReportFile(engine, options.report, file)
  switch (name) {
    case 'validate':
      print(issueList(engine, state, options.json ? examplesInJson : examplesPerIssue), () => issueLines(engine, state))
      break
    case 'tokens': {
      const counted = await engine.countTokens(key, tokenModel(command, output))
      print({ ...counted.tokens, rows: counted.stats.validRows }, () => [describeTokens(counted)])
      break
    }
    case 'scan': {
      await engine.scan(key)
      const { flags, scripts, languages, observations } = engine.overview(key)
      print({ flags, scripts, languages, observations }, () => [
        ...(flags ?? []).map((flag) => `${flag.title}: ${flag.rows} rows`),
        ...(observations ?? []).map(({ title, message }) => `${title}. ${message}`),
      ])
      break
    }
    case 'dedupe': {
      if (options.near) await engine.findNearDuplicates(key, options.threshold)
      const of = options.near ? 'near' : 'exact'
      const found = engine.listDuplicates(key, of, { offset: 0, limit: pageRows })
      const groups = found.groups.map((group) => ({ lines: group.rows.map(({ line }) => line), total: group.total }))
      print({ of, groups: found.total, rows: found.rows, listed: groups }, () => [
        `${found.rows} rows in ${found.total} groups`,
        ...groups.map(({ lines }) => `lines ${lines.join(', ')}`),
      ])
      break
    }
    case 'split': {
      await engine.scan(key)
      const { split } = engine.setSplit(key, {
        seed: options.seed,
        validationShare: options.validation,
        testShare: 0,
        stratifyBy: 'none',
      })
      print({ ...split }, () => [`${split?.rows.train ?? 0} for training, ${split?.rows.validation ?? 0} for validation`])
      break
    }
    case 'convert':
    case 'export': {
      if (options.out === undefined) throw new AppError('INVALID_INPUT', `${name} needs --out DIR.`)
      const rows = options['drop-every'] === undefined ? [] : everyNth(state.stats.rows, options['drop-every'])
      if (rows.length > 0) await engine.applyEdit(key, { kind: 'drop', choice: { kind: 'rows', rows } }, Date.now())
      await mkdir(options.out, { recursive: true })
      const exported = await engine.exportRows(key, options.layout, resolve(options.out), factsOf(file))
      print(exported, () => [exported.folder, ...exported.files.map((one) => `${one.name}: ${one.rows} rows`)])
      break
    }
    default:
      assertNever(name)
  }
  return state.stats.errorRows > 0 ? 1 : 0
}

/** Opens the file where it is, or as a working file in the folder that is thrown away. */
async function openFile(engine: DatasetEngine, { file, options }: ParsedCommand, workFolder: string): Promise<DatasetState> {
  const path = await readablePath(engine, file, workFolder)
  const placesPath = path === file ? null : placesOf(workFolder)
  return engine.open({
    key,
    path,
    placesPath,
    fileNames: [basename(file)],
    indexPath: options.index ?? join(workFolder, 'index.sqlite'),
    isOwnCopy: false,
    mapping: null,
    edits: [],
    version: 0,
    split: null,
    importedAtMs: (await stat(file)).mtimeMs,
    ...(options.range === undefined ? {} : { rangeBytes: options.range }),
  })
}

async function readablePath(engine: DatasetEngine, file: string, workFolder: string): Promise<string> {
  if (await engine.isPlain(file)) return file
  const path = join(workFolder, 'rows.jsonl')
  await engine.importSources(key, [file], path, placesOf(workFolder))
  return path
}

function placesOf(workFolder: string): string {
  return join(workFolder, 'rows.places')
}

function issueList(engine: DatasetEngine, { stats, shape }: DatasetState, limit: number): object {
  const issues = engine.listIssues(key).map((issue) => Object.assign(issue, { examples: examplesOf(engine, issue.rule, limit) }))
  return { shape, stats, issues }
}

function examplesOf(engine: DatasetEngine, rule: string, limit: number) {
  const { examples } = engine.listIssueExamples(key, rule, { offset: 0, limit })
  return examples.map(({ line, pointer, message, got, expected }) => ({ line, pointer, message, got, expected }))
}

function issueLines(engine: DatasetEngine, { stats, shape }: DatasetState): string[] {
  const lines = [`${stats.rows} rows, ${stats.validRows} usable, ${stats.errorRows} with errors; shape: ${shape ?? 'unknown'}`]
  for (const { severity, rule, title, rows } of engine.listIssues(key)) {
    lines.push(`${severity} ${rule}: ${title} (${rows} ${rows === 1 ? 'row' : 'rows'})`)
    for (const { line, pointer, message } of examplesOf(engine, rule, examplesPerIssue)) {
      lines.push(`    line ${line}${pointer === '' ? '' : ` ${pointer}`}: ${message}`)
    }
  }
  return lines
}

function tokenModel({ options }: ParsedCommand, output: CommandOutput): TokenModel {
  if (options['model-folder'] !== undefined) {
    return {
      modelId: options['model-folder'],
      modelName: options['model-folder'],
      tokenizer: { kind: 'folder', path: options['model-folder'] },
    }
  }
  const family = familyOf(options.model)
  if (family === null) throw new AppError('MODEL_UNKNOWN', `There is no vocabulary for ${options.model}. Choose a model of the catalogue.`)
  const folder = options.vocabularies ?? output.environment['TUNESMITH_VOCABULARIES'] ?? output.vocabularies
  return { modelId: options.model, modelName: options.model, tokenizer: { kind: 'packed', path: join(folder, `${family}.vocabulary`) } }
}

function describeTokens({ tokens, stats }: DatasetState): string {
  if (tokens === null) return 'No tokens were counted.'
  return `${tokens.total} tokens, ${tokens.trained} of them trained, in ${stats.validRows} rows; the longest row has ${tokens.longestRow}`
}

function factsOf(file: string) {
  const name = basename(file).replace(/\.[^.]*$/, '')
  return { appVersion: 'command line', createdAtMs: Date.now(), name, fileNames: [basename(file)], sha256: null, sizeBytes: 0 }
}

async function writeReportFile(engine: DatasetEngine, path: string, file: string): Promise<void> {
  const ending = path.endsWith('.sarif.json') ? 'sarif' : path.slice(path.lastIndexOf('.') + 1)
  const format = reportFormatSchema.safeParse(ending)
  if (!format.success) throw new AppError('INVALID_INPUT', 'The report must end in .json, .csv, .sarif.json or .html.')
  const chosen: ReportFormat = format.data
  await writeFile(path, engine.report(key, chosen, { ...factsOf(file), sizeBytes: (await stat(file)).size }))
}

function everyNth(rows: number, step: number): number[] {
  return Array.from({ length: Math.floor(rows / step) }, (_, at) => (at + 1) * step - 1)
}
