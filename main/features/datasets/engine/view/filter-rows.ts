import type { RowFilter, RowSort } from '../../../../../preload/contract/datasets.ts'
import type { RowColumns, ScanColumns, TokenColumns } from '../columns.ts'

/** The columns of a dataset as the edits left them. */
export interface RowTable {
  readonly columns: RowColumns
  readonly tokens: TokenColumns | null
  readonly scan: ScanColumns | null
  /** 1 = dropped by an edit. */
  readonly dropped: Uint8Array
  /** 1 = the text was edited. */
  readonly edited: Uint8Array
  /** 0 none, 1 train, 2 validation, 3 test; null without a split. */
  readonly split: Uint8Array | null
}

/** Which bits mean what. */
export interface FilterNumbers {
  readonly ruleNumbers: ReadonlyMap<string, number>
  readonly flagNumbers: ReadonlyMap<string, number>
  readonly scriptNumbers: ReadonlyMap<string, number>
  readonly severityMasks: Readonly<Record<'error' | 'warning' | 'info', BitMask>>
}

/** Bits of rules 0–31 and 32–63. */
export interface BitMask {
  readonly low: number
  readonly high: number
}

const splitNumbers = { train: 1, validation: 2, test: 3 } as const

/** Numbers of the rows that match, in file order; `candidates` are those that hold the searched text. */
export function filterRows(table: RowTable, filter: RowFilter, numbers: FilterNumbers, candidates: Uint32Array | null): Uint32Array {
  const test = createTest(table, filter, numbers)
  const total = candidates?.length ?? table.columns.rows
  const found = new Uint32Array(total)
  let count = 0
  for (let at = 0; at < total; at += 1) {
    const row = candidates === null ? at : (candidates[at] as number)
    if (test(row)) {
      found[count] = row
      count += 1
    }
  }
  return found.slice(0, count)
}

function createTest(table: RowTable, filter: RowFilter, numbers: FilterNumbers): (row: number) => boolean {
  const { columns, tokens, scan, dropped, edited, split } = table
  const tests: ((row: number) => boolean)[] = []
  const errors = numbers.severityMasks.error
  const hasRules = (row: number, mask: BitMask) =>
    ((columns.rulesLow[row] as number) & mask.low) !== 0 || ((columns.rulesHigh[row] as number) & mask.high) !== 0
  switch (filter.state) {
    case 'usable':
      tests.push((row) => dropped[row] === 0 && !hasRules(row, errors))
      break
    case 'faulty':
      tests.push((row) => dropped[row] === 0 && hasRules(row, errors))
      break
    case 'edited':
      tests.push((row) => edited[row] === 1 && dropped[row] === 0)
      break
    case 'dropped':
      tests.push((row) => dropped[row] === 1)
      break
    case 'all':
  }
  if (filter.rules.length > 0) {
    const mask = maskOf(filter.rules.map((rule) => numbers.ruleNumbers.get(rule)))
    tests.push((row) => hasRules(row, mask))
  }
  if (filter.severity !== null) {
    const mask = numbers.severityMasks[filter.severity]
    tests.push((row) => hasRules(row, mask))
  }
  if (filter.flags.length > 0) {
    const { low } = maskOf(filter.flags.map((flag) => numbers.flagNumbers.get(flag)))
    tests.push((row) => scan !== null && ((scan.flags[row] as number) & low) !== 0)
  }
  if (filter.split !== null) {
    const wanted = splitNumbers[filter.split]
    tests.push((row) => split !== null && split[row] === wanted)
  }
  if (filter.script !== null) {
    const wanted = numbers.scriptNumbers.get(filter.script)
    tests.push((row) => scan !== null && scan.script[row] === wanted)
  }
  addRange(tests, tokens?.total ?? null, filter.tokensFrom, filter.tokensTo)
  addRange(tests, tokens?.trained ?? null, null, filter.trainedTo)
  addRange(tests, columns.turns, filter.turnsFrom, filter.turnsTo)
  return (row) => tests.every((test) => test(row))
}

function addRange(
  tests: ((row: number) => boolean)[],
  values: Uint32Array | Uint16Array | null,
  from: number | null,
  to: number | null,
): void {
  if (from === null && to === null) return
  tests.push((row) => values !== null && (values[row] as number) >= (from ?? 0) && (values[row] as number) <= (to ?? Infinity))
}

/** The bits of some numbers; an unknown number has none. */
export function maskOf(numbers: readonly (number | undefined)[]): BitMask {
  let low = 0
  let high = 0
  for (const number of numbers) {
    if (number === undefined) continue
    if (number < 32) low |= 1 << number
    else high |= 1 << (number - 32)
  }
  return { low: low >>> 0, high: high >>> 0 }
}

/** Orders row numbers by a column; equal values keep the order of the file. */
export function sortRows(rows: Uint32Array, sort: RowSort, table: RowTable): Uint32Array {
  const values = valuesOf(sort.by, table)
  if (values === null) return sort.descending && sort.by === 'line' ? rows.toReversed() : rows
  const direction = sort.descending ? -1 : 1
  return rows.toSorted((a, b) => direction * ((values[a] as number) - (values[b] as number)) || a - b)
}

function valuesOf(by: RowSort['by'], { columns, tokens }: RowTable): Uint32Array | Uint16Array | null {
  switch (by) {
    case 'line':
      return null
    case 'tokens':
      return tokens?.total ?? null
    case 'trained':
      return tokens?.trained ?? null
    case 'turns':
      return columns.turns
    case 'characters':
      return columns.characters
  }
}
