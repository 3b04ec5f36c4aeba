import type {
  ColumnMapping,
  Dataset,
  DatasetStatus,
  DatasetTask,
  DatasetTaskKind,
  DuplicateKind,
  ExportLayout,
  ReportFormat,
  RowFilter,
  RowSort,
  Severity,
  SourceFormat,
  SplitName,
} from '../../../preload/contract/datasets.ts'
import { formatBytes, formatCount, formatDuration, formatPercent } from '../../lib/format.ts'

/** Status words as shown. */
export const statusNames: Readonly<Record<DatasetStatus, string>> = {
  importing: 'Importing',
  validating: 'Checking',
  ready: 'Ready',
  error: 'Has issues',
}

/** What long work is called while it goes on. */
export const taskNames: Readonly<Record<DatasetTaskKind, string>> = {
  import: 'Importing',
  check: 'Checking rows',
  tokens: 'Counting tokens',
  scan: 'Looking for private data and duplicates',
  near_duplicates: 'Comparing rows',
  export: 'Exporting',
}

/** Severities as shown, one and many. */
export const severityNames: Readonly<Record<Severity, string>> = { error: 'Error', warning: 'Warning', info: 'Note' }
export const severityPlurals: Readonly<Record<Severity, string>> = { error: 'Errors', warning: 'Warnings', info: 'Notes' }

/** Parts of a split as shown. */
export const splitNames: Readonly<Record<SplitName, string>> = { train: 'Training', validation: 'Validation', test: 'Test' }

/** States of rows that a filter can choose. */
export const rowStateNames: Readonly<Record<RowFilter['state'], string>> = {
  all: 'All rows',
  usable: 'Usable',
  faulty: 'With errors',
  edited: 'Edited',
  dropped: 'Dropped',
}

/** What a column of the row browser is called. */
export const sortNames: Readonly<Record<RowSort['by'], string>> = {
  line: 'Line',
  turns: 'Turns',
  characters: 'Characters',
  tokens: 'Tokens',
  trained: 'Trained',
}

/** Kinds of rows that belong together, and what to make of them. */
export const duplicateTexts: Readonly<Record<DuplicateKind, { readonly title: string; readonly hint: string }>> = {
  exact: { title: 'Exact', hint: 'The same conversation, apart from capitals and spaces. Repeats count twice in training.' },
  near: { title: 'Near', hint: 'Conversations that share most of their wording.' },
  same_prompt: { title: 'Same prompt', hint: 'The same prompt with different answers. Keep them if the variety is intended.' },
  leakage: {
    title: 'Leakage',
    hint: 'Rows for validation or test that also stand among the training rows. They make a model look better than it is.',
  },
}

/** File layouts of an export. */
export const layoutTexts: Readonly<Record<ExportLayout, { readonly title: string; readonly hint: string }>> = {
  openai: { title: 'OpenAI messages', hint: 'JSON Lines with a list of messages; read by almost every trainer and service.' },
  sharegpt: { title: 'ShareGPT', hint: 'JSON Lines with conversations of human and gpt; for Axolotl and others.' },
  alpaca: { title: 'Alpaca', hint: 'One JSON array of instruction, input and output.' },
  prompt_completion: { title: 'Prompt and completion', hint: 'JSON Lines with two texts; for Together, TRL and MLX.' },
  parquet_messages: { title: 'Parquet, messages', hint: 'The column format of Hugging Face datasets.' },
  llama_factory: { title: 'LLaMA-Factory', hint: 'ShareGPT files with the dataset_info.json that LLaMA-Factory reads.' },
}

/** File formats of a report. */
export const reportTexts: Readonly<Record<ReportFormat, { readonly title: string; readonly hint: string }>> = {
  html: { title: 'Web page', hint: 'To read and to print.' },
  csv: { title: 'CSV', hint: 'One issue a line, for a spreadsheet.' },
  json: { title: 'JSON', hint: 'Everything, for a program.' },
  sarif: { title: 'SARIF', hint: 'For code editors and code review.' },
}

const formatNames: Readonly<Record<SourceFormat['format'], string>> = {
  jsonl: 'JSON Lines',
  json_array: 'JSON array',
  csv: 'CSV',
  tsv: 'TSV',
  parquet: 'Parquet',
}
const encodingNames: Readonly<Record<NonNullable<SourceFormat['encoding']>, string>> = {
  'utf-8': 'UTF-8',
  'utf-8-bom': 'UTF-8 with byte-order mark',
  'utf-16le': 'UTF-16 LE',
  'utf-16be': 'UTF-16 BE',
  'windows-1252': 'Windows-1252',
}

/** Format, compression and encoding of a source in a few words. */
export function describeFormat(format: SourceFormat | null): string {
  if (format === null) return '–'
  const parts = [formatNames[format.format], format.compression, format.encoding === null ? null : encodingNames[format.encoding]]
  return parts.filter((part) => part !== null).join(' · ')
}

/** Which column is which part, in one line. */
export function describeMapping(mapping: ColumnMapping): string {
  if (mapping.kind === 'text') return `text: ${mapping.text}`
  const system = mapping.system === null ? '' : `system: ${mapping.system} · `
  return `${system}user: ${mapping.user} · assistant: ${mapping.assistant}`
}

/** How far long work is, with only the figures that are known. */
export function describeTask(task: DatasetTask): string {
  const parts = [formatPercent(task.progress)]
  if (task.bytesPerSecond !== null) parts.push(`${formatBytes(Math.round(task.bytesPerSecond))}/s`)
  if (task.leftMs !== null) parts.push(`${formatDuration(task.leftMs)} left`)
  return parts.join(' · ')
}

/** A part of a whole: small shares keep a decimal, so that none looks like nothing. */
export function describeShare(part: number, whole: number): string {
  if (whole === 0) return '–'
  const percent = (part / whole) * 100
  if (part > 0 && percent < 0.1) return 'under 0.1 %'
  const rounded = percent < 10 ? percent.toFixed(1).replace('.0', '') : Math.round(percent).toString()
  return `${part < whole && rounded === '100' ? 'over 99' : rounded} %`
}

/** `1 row`, `12,480 rows`. */
export function countRows(count: number): string {
  return countThings(count, 'row')
}

/** A count with its noun. */
export function countThings(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** All faults of a dataset, whatever their severity; null until it has been checked. */
export function countIssues(dataset: Dataset): number | null {
  return dataset.stats === null ? null : dataset.stats.errors + dataset.stats.warnings + dataset.stats.infos
}
