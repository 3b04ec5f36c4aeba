import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DatasetInputs } from './inputs.ts'
import { pythonCommand, pythonScript, runChild, type ChildRun } from './run-child.ts'

/** One program that takes part. */
export type ContenderName =
  | 'cat'
  | 'python-parse'
  | 'python-parse-slice'
  | 'python-export'
  | 'python-search'
  | 'reference-tokenizer'
  | 'validate'
  | 'validate-large'
  | 'tokens'
  | 'tokens-large'
  | 'own-tokenizer'
  | 'near-duplicates'
  | 'export'
  | 'search'
  | 'first-rows'

/** What contenders work with. */
export interface ContenderContext {
  readonly inputs: DatasetInputs
  /** An empty folder for what they write. */
  readonly folder: string
  /** `tokenizer.json` of the family that is counted. */
  readonly referenceTokenizer: string | null
}

/** Runs one contender once. */
export type RunContender = (name: ContenderName) => Promise<ChildRun>

/** Searched text: digits only, so that case and escapes do not matter. */
export const searchedText = '127.0.0.1'
/** Every n-th row is left out of the export. */
export const dropEvery = 10
/** As many rows as the first page of a browser shows. */
export const firstRows = 50

const model = 'Qwen/Qwen3-8B'
const family = 'qwen3'
const workers = '2'
const tokenizerBytes = 30_000_000
const root = fileURLToPath(new URL('../../../', import.meta.url))
/** The bundle, as users run it; the task that starts the benchmarks has just built it. */
const engineBundle = join(root, 'out', 'main', 'dataset-cli.js')
const engineSource = join(root, 'main', 'features', 'datasets', 'engine', 'cli.ts')
/** The engine ends with 1 when rows have errors, as those of the corpus do. */
const engineCodes = [0, 1]

/** Creates the runner; indexes of checked files are made beforehand and copied for each run that builds on one. */
export async function createContenders(
  { inputs, folder, referenceTokenizer }: ContenderContext,
  needsCheckedIndex: boolean,
): Promise<RunContender> {
  const engineScript = existsSync(engineBundle) ? engineBundle : engineSource
  const outputOf = (name: string) => join(folder, `${name}.out`)
  const indexOf = (name: string) => join(folder, name, 'index.sqlite')
  const engine = (name: ContenderName, command: string, file: string, ...rest: string[]) =>
    runChild([process.execPath, engineScript, command, file, ...rest, '--json'], outputOf(name), engineCodes)
  const withNewIndex = async (name: ContenderName, command: string, file: string, ...rest: string[]) => {
    await emptyFolder(dirname(indexOf(name)))
    return engine(name, command, file, '--workers', workers, '--index', indexOf(name), ...rest)
  }
  const withCheckedIndex = async (name: ContenderName, command: string, file: string, checked: string, ...rest: string[]) => {
    await emptyFolder(dirname(indexOf(name)))
    await copyFolder(join(folder, checked), dirname(indexOf(name)))
    return engine(name, command, file, '--workers', workers, '--index', indexOf(name), ...rest)
  }
  const python = (name: ContenderName, script: string, ...args: string[]) =>
    runChild([pythonCommand(), pythonScript(script), ...args], outputOf(name))
  const tokenizer = (name: ContenderName, script: string, tables: string) =>
    runChild([process.execPath, script, tables, inputs.corpus, String(tokenizerBytes)], outputOf(name))
  const large = () => {
    if (inputs.large === null) throw new Error('The larger corpus was not written')
    return inputs.large
  }
  const check = async (file: string, checked: string) => {
    await mkdir(join(folder, checked), { recursive: true })
    const index = join(folder, checked, 'index.sqlite')
    await runChild(
      [process.execPath, engineScript, 'validate', file, '--workers', workers, '--index', index, '--json'],
      outputOf(checked),
      engineCodes,
    )
  }
  if (needsCheckedIndex) {
    await check(inputs.corpus, 'checked-corpus')
    await check(inputs.slice, 'checked-slice')
  }

  return async (name) => {
    switch (name) {
      case 'cat':
        return runChild(['cat', inputs.corpus], '/dev/null')
      case 'python-parse':
        return python(name, 'parse_lines', inputs.corpus)
      case 'python-parse-slice':
        return python(name, 'parse_lines', inputs.slice)
      case 'python-export':
        return python(name, 'export_lines', inputs.corpus, join(folder, 'python-export.jsonl'), String(dropEvery))
      case 'python-search':
        return python(name, 'search_lines', inputs.corpus, searchedText)
      case 'reference-tokenizer':
        return tokenizer(name, 'tests/bench/datasets/tokenize-reference.ts', referenceTokenizer ?? '')
      case 'own-tokenizer':
        return tokenizer(name, 'tests/bench/datasets/tokenize-own.ts', vocabularyPath())
      case 'validate':
        return withNewIndex(name, 'validate', inputs.corpus)
      case 'validate-large':
        return withNewIndex(name, 'validate', large())
      case 'tokens':
        return withNewIndex(name, 'tokens', inputs.corpus, '--model', model)
      case 'tokens-large':
        return withNewIndex(name, 'tokens', large(), '--model', model)
      case 'near-duplicates':
        return withCheckedIndex(name, 'dedupe', inputs.slice, 'checked-slice', '--near')
      case 'export': {
        const target = join(folder, 'exported')
        await emptyFolder(target)
        return withCheckedIndex(
          name,
          'export',
          inputs.corpus,
          'checked-corpus',
          '--layout',
          'openai',
          '--drop-every',
          String(dropEvery),
          '--out',
          target,
        )
      }
      case 'search':
        return engine(name, 'search', inputs.corpus, searchedText)
      case 'first-rows':
        return engine(name, 'rows', inputs.corpus, '--first', String(firstRows))
    }
  }
}

function vocabularyPath(): string {
  return join(process.env['TUNESMITH_VOCABULARIES'] ?? join(root, 'out', 'vocabularies'), `${family}.vocabulary`)
}

async function emptyFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
  await mkdir(path, { recursive: true })
}

async function copyFolder(source: string, target: string): Promise<void> {
  for (const name of await readdir(source)) await copyFile(join(source, name), join(target, name))
}
