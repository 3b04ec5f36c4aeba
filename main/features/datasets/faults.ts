import type { DatasetError } from '../../../preload/contract/datasets.ts'

/** One thing wrong with a row, before its line number is known. */
export type Fault = Omit<DatasetError, 'line'>

/** Collects the faults of one row; a hostile row cannot make it grow without end. */
export interface FaultList {
  readonly faults: readonly Fault[]
  readonly isFull: boolean
  add(fault: Fault): void
}

/** A row repeats one mistake many times more often than it makes a hundred different ones. */
const maxFaultsPerRow = 100

/** Starts an empty list for one row. */
export function createFaultList(): FaultList {
  const faults: Fault[] = []
  return {
    faults,
    get isFull() {
      return faults.length >= maxFaultsPerRow
    },
    add(fault) {
      if (faults.length < maxFaultsPerRow) faults.push(fault)
    },
  }
}

/** Adds one step to an RFC 6901 pointer. */
export function pointerTo(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** Names what a value is, for the "got" half of a message. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (typeof value === 'string') return value === '' ? 'an empty text' : `the text ${quoteShort(value)}`
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`
  return 'an object'
}

/** Quotes a piece of the user's text, cut to a readable length. */
export function quoteShort(text: string, maxLength = 40): string {
  const oneLine = text.replace(/\s+/g, ' ')
  return `"${oneLine.length > maxLength ? `${oneLine.slice(0, maxLength)}…` : oneLine}"`
}
