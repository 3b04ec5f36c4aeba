import type { RowFault } from '../row-model.ts'
import { ruleNumbers, type RuleId } from './rule-numbers.ts'

/** Collects the faults of one row; nothing is allocated until the first one. */
export interface FaultSink {
  faults: readonly RowFault[]
  rulesLow: number
  rulesHigh: number
  /** Forgets the faults of the row before. */
  clear(): void
  add(rule: RuleId, pointer: string, message: string, got: string, expected: string): void
  /** Adds a fault that was made before, so that a fault of every row costs nothing. */
  addMade(fault: RowFault): void
}

/** A row repeats one mistake many times more often than it makes a hundred different ones. */
const maxFaultsPerRow = 100
const noFaults: readonly RowFault[] = Object.freeze([])

/** Creates the collector that a reader re-uses for all its rows. */
export function createFaultSink(): FaultSink {
  let own: RowFault[] | null = null
  const sink: FaultSink = {
    faults: noFaults,
    rulesLow: 0,
    rulesHigh: 0,
    clear() {
      own = null
      sink.faults = noFaults
      sink.rulesLow = 0
      sink.rulesHigh = 0
    },
    add(rule, pointer, message, got, expected) {
      sink.addMade({ rule: ruleNumbers[rule], pointer, message, got, expected })
    },
    addMade(fault) {
      if (fault.rule < 32) sink.rulesLow |= 1 << fault.rule
      else sink.rulesHigh |= 1 << (fault.rule - 32)
      if (own === null) {
        own = []
        sink.faults = own
      }
      if (own.length < maxFaultsPerRow) own.push(fault)
    },
  }
  return sink
}

/** A JSON object whose keys nobody vouches for. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for a JSON object, not a list or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A key's own value; inherited names such as `constructor` count as absent. */
export function ownValue(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Adds one step to an RFC 6901 pointer. */
export function pointerTo(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** The last step of a pointer, as it is written in the row. */
export function lastStep(pointer: string): string {
  return pointer
    .slice(pointer.lastIndexOf('/') + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')
}

/** Names what a value is, for the "got" half of a fault. */
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
  const oneLine = text.slice(0, maxLength * 4).replace(/\s+/g, ' ')
  const cut = oneLine.length > maxLength ? `${oneLine.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '')}…` : oneLine
  return `"${text.length > maxLength * 4 && !cut.endsWith('…') ? `${cut}…` : cut}"`
}
