import type { RowReading, RowReadingOptions } from '../row-model.ts'
import { applyEdits, mapJson, type JsonNode, type TextEdit } from './json-spans.ts'
import { isJson, repairJson } from './repair-json.ts'
import { faultEdits, type MappedText } from './row-edits.ts'
import { createRowReader } from './row-reader.ts'
import type { RuleId } from './rule-numbers.ts'
import { errorRulesHigh, errorRulesLow, rules } from './rules.ts'

/** Mends rows one after another. */
export interface RowFixer {
  /** The row without any fault of the rule, or null when there is no safe way; everything else stays as it is written. */
  fix(bytes: Buffer, ruleNumber: number): { readonly text: string } | null
}

/** Enough rounds for a row with more faults than one reading lists. */
const maxRounds = 50

/** Creates a fixer for the rows of one dataset. */
export function createRowFixer(options: RowReadingOptions): RowFixer {
  const reader = createRowReader(options)
  const has = (reading: RowReading, rule: number) => bitOf(reading, rule)

  const fixFaults = (text: string, rule: number, id: RuleId): string | null => {
    const edit = faultEdits[id]
    if (edit === undefined) return null
    let current = text
    for (let round = 0; round < maxRounds; round += 1) {
      const reading = reader.read(Buffer.from(current))
      if (!has(reading, rule)) return current
      const root = mapJson(current)
      if (root === null) return null
      const edits = editsOf({ text: current, root }, reading, rule, edit)
      if (edits === null) return null
      current = applyEdits(current, edits)
    }
    return null
  }

  return {
    fix(bytes, ruleNumber) {
      const id = rules[ruleNumber]?.id as RuleId | undefined
      if (id === undefined) return null
      const before = reader.read(bytes)
      if (!has(before, ruleNumber)) return null
      const wasJson = before.value !== undefined
      const errorsLow = before.rulesLow & errorRulesLow
      const errorsHigh = before.rulesHigh & errorRulesHigh
      const text =
        id === 'encoding.invalid' ? new TextDecoder('windows-1252').decode(bytes) : fixText(bytes.toString('utf8'), id, ruleNumber)
      if (text === null) return null
      const after = reader.read(Buffer.from(text))
      if (has(after, ruleNumber)) return null
      // A mended text may show faults that could not be seen before; a mended row must not get new ones.
      const newErrors = (after.rulesLow & errorRulesLow & ~errorsLow) | (after.rulesHigh & errorRulesHigh & ~errorsHigh)
      return wasJson && id !== 'json.array-in-line' && newErrors !== 0 ? null : { text }
    },
  }

  function fixText(text: string, id: RuleId, rule: number): string | null {
    switch (id as string) {
      case 'json.trailing-comma':
      case 'json.single-quotes':
      case 'json.python-literal':
      case 'json.control-character':
      case 'encoding.nul':
        return repairJson(text)
      case 'encoding.bom':
        return text.replace(/^\uFEFF+/, '')
      case 'encoding.lone-surrogate':
        return withoutLoneSurrogates(text)
      case 'json.array-in-line':
        return onlyItem(text)
      case 'json.duplicate-key':
        return withoutRepeatedKeys(text)
      default:
        return fixFaults(text, rule, id)
    }
  }
}

/** Mends one row; for many rows create a fixer once. `value` is not needed where the text is given. */
export function fixRow(_value: unknown, bytesText: string, ruleNumber: number): { readonly text: string } | null {
  return createRowFixer({ mapping: null }).fix(Buffer.from(bytesText), ruleNumber)
}

function bitOf(reading: RowReading, rule: number): boolean {
  return rule < 32 ? (reading.rulesLow & (1 << rule)) !== 0 : (reading.rulesHigh & (1 << (rule - 32))) !== 0
}

/** All edits of one round; later faults of the row wait for the next where they would overlap. */
function editsOf(mapped: MappedText, reading: RowReading, rule: number, edit: NonNullable<(typeof faultEdits)[RuleId]>): TextEdit[] | null {
  const edits: TextEdit[] = []
  for (const fault of reading.faults) {
    if (fault.rule !== rule) continue
    const own = edit(mapped, fault)
    if (own === null) return null
    const overlaps = own.some((one) => edits.some((other) => one.from <= other.to && other.from <= one.to))
    if (!overlaps) edits.push(...own)
  }
  return edits.length === 0 ? null : edits
}

const escapes = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\[^]/g

function withoutLoneSurrogates(text: string): string {
  return text.replace(escapes, (escape) => (escape.length === 6 ? '' : escape))
}

function onlyItem(text: string): string | null {
  const root = mapJson(text)
  const [item] = root?.items ?? []
  return item === undefined || root?.items.length !== 1 ? null : text.slice(item.from, item.to)
}

/** Keeps the last of several entries with one name, which is the one that is read. */
function withoutRepeatedKeys(text: string): string | null {
  const root = mapJson(text)
  if (root === null) return null
  const edits: TextEdit[] = []
  const visit = (node: JsonNode) => {
    const lastOf = new Map(node.entries.map((entry, index) => [entry.key, index]))
    node.entries.forEach((entry, index) => {
      const next = node.entries[index + 1]
      if (lastOf.get(entry.key) !== index && next !== undefined) edits.push({ from: entry.keyFrom, to: next.keyFrom, text: '' })
      else visit(entry.node)
    })
    node.items.forEach(visit)
  }
  visit(root)
  const result = applyEdits(text, edits)
  return isJson(result) ? result : null
}
