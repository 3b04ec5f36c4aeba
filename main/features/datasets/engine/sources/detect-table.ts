import { columnName } from './table-reader.ts'
import type { TableDialect } from './source-types.ts'

/** How the cells of a table stand in a text. */
export interface TableFindings {
  readonly dialect: TableDialect
  readonly columns: string[]
  /** Records after the header that were seen. */
  readonly records: number
  readonly evidence: string[]
}

const sampleRecords = 200
const delimiters: readonly (readonly [sign: string, plural: string])[] = [
  ['\t', 'tabs'],
  [',', 'commas'],
  [';', 'semicolons'],
  ['|', 'vertical bars'],
]
const knownColumns =
  /^(?:id|text|prompt|completion|response|question|answer|query|instruction|input|output|system|messages|conversations?|chosen|rejected|title|content|label|user|assistant|role|category)$/i

/** Recognises a table by how evenly its records are cut; null where it is something else. */
export function detectTable(text: string, isWhole: boolean): TableFindings | null {
  const candidates = delimiters
    .map(([sign, plural]) => measure(text, sign, plural, isWhole))
    .filter((candidate) => candidate.cells >= 2 && candidate.share >= 0.7)
    .sort((one, other) => other.share - one.share || other.cells - one.cells)
  const best = candidates[0] ?? measureSingle(text, isWhole)
  if (best === null) return null
  const { records, cells, plural, sign } = best
  const header = readHeader(records, cells)
  const columns = uniqueNames(header ?? Array.from({ length: cells }, () => ''))
  const rows = records.length - (header === null ? 0 : 1)
  const even =
    cells === 1 ? 'Each record has one cell.' : `${describeShare(best.share, records.length)} ${cells} cells, separated by ${plural}.`
  const names =
    header === null ? 'The first record is data; the columns have no names.' : `The first record names the columns: ${shorten(columns)}.`
  return { dialect: { delimiter: sign.charCodeAt(0), hasHeader: header !== null }, columns, records: rows, evidence: [even, names] }
}

interface Measured {
  readonly sign: string
  readonly plural: string
  readonly records: string[][]
  readonly cells: number
  readonly share: number
}

function measure(text: string, sign: string, plural: string, isWhole: boolean): Measured {
  const records = splitRecords(text, sign, isWhole)
  const counts = new Map<number, number>()
  for (const record of records) counts.set(record.length, (counts.get(record.length) ?? 0) + 1)
  const [cells, count] = [...counts].sort((one, other) => other[1] - one[1] || other[0] - one[0])[0] ?? [0, 0]
  return { sign, plural, records, cells, share: records.length === 0 ? 0 : count / records.length }
}

/** One column only: accepted when its cells are quoted or its name is one that tables of texts have. */
function measureSingle(text: string, isWhole: boolean): Measured | null {
  const measured = measure(text, ',', 'commas', isWhole)
  const [header, ...rest] = measured.records
  const name = header?.[0]?.trim() ?? ''
  const quoted = (text.match(/^"/gm) ?? []).length
  const isTable = header?.length === 1 && rest.length > 0 && (knownColumns.test(name) || (/^\w{1,40}$/.test(name) && quoted >= rest.length))
  return isTable ? { ...measured, cells: 1, share: 1 } : null
}

function describeShare(share: number, records: number): string {
  if (records === 1) return 'The first record has'
  return share === 1 ? `Each of the first ${records} records has` : `${Math.round(share * records)} of the first ${records} records have`
}

function shorten(columns: readonly string[]): string {
  const shown = columns.slice(0, 12).map((name) => (name.length > 40 ? `${name.slice(0, 39)}…` : name))
  return shown.join(', ') + (columns.length > shown.length ? ` and ${columns.length - shown.length} more` : '')
}

/** Cuts the first records of a text into cells (RFC 4180). */
function splitRecords(text: string, sign: string, isWhole: boolean): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let cell = ''
  let at = 0
  const endRecord = () => {
    record.push(cell)
    if (record.length > 1 || cell !== '') records.push(record)
    record = []
    cell = ''
  }
  while (at < text.length && records.length < sampleRecords) {
    if (cell === '' && text[at] === '"') {
      const end = closingQuote(text, at + 1)
      cell = text.slice(at + 1, end).replaceAll('""', '"')
      at = end + 1
    }
    const from = at
    while (at < text.length && text[at] !== sign && text[at] !== '\n' && text[at] !== '\r') at += 1
    cell += text.slice(from, at)
    if (at >= text.length) break
    if (text[at] === sign) {
      record.push(cell)
      cell = ''
    } else {
      if (text[at] === '\r' && text[at + 1] === '\n') at += 1
      endRecord()
    }
    at += 1
  }
  const isCut = at >= text.length && (isWhole || records.length < 2)
  if (isCut && (record.length > 0 || cell !== '')) endRecord()
  return records
}

function closingQuote(text: string, start: number): number {
  let at = text.indexOf('"', start)
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2)
  return at < 0 ? text.length : at
}

/** The names of the columns, when the first record has them. */
function readHeader(records: readonly string[][], cells: number): string[] | null {
  const first = (records[0] ?? []).map((cell) => cell.trim())
  // Some statistics programs leave out the name of the column of row names.
  const names = first.length === cells - 1 ? ['', ...first] : first
  if (names.length === 0 || names.length > cells) return null
  const named = names.filter((name) => name !== '')
  if (named.length === 0 || named.some((name) => name.length > 128 || name.includes('\n'))) return null
  if (named.some((name) => /^[-+]?[\d.,]+%?$/.test(name) || /^\d{4}-\d\d-\d\d/.test(name))) return null
  if (named.some((name) => knownColumns.test(name))) return names
  if (new Set(named).size < named.length || named.length < names.length - 1) return null
  return named.some((name) => /[.?!]$/.test(name) && name.includes(' ')) ? null : names
}

function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name, column) => {
    const wanted = name === '' ? columnName(column) : name
    let unique = wanted
    for (let number = 2; taken.has(unique); number += 1) unique = `${wanted}_${number}`
    taken.add(unique)
    return unique
  })
}
