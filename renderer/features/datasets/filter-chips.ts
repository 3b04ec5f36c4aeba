import type { RowFilter } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { severityNames, splitNames } from './dataset-text.ts'

/** One condition in words, and the filter's change that takes it away. */
export interface FilterChip {
  readonly id: string
  readonly text: string
  readonly without: Partial<RowFilter>
}

/** The conditions that are not in sight elsewhere in the bar. */
export function listFilterChips(filter: RowFilter, nameOf: (mark: string) => string): readonly FilterChip[] {
  const chips: FilterChip[] = [
    ...filter.rules.map((rule) => ({
      id: `rule ${rule}`,
      text: nameOf(rule),
      without: { rules: filter.rules.filter((other) => other !== rule) },
    })),
    ...filter.flags.map((flag) => ({
      id: `flag ${flag}`,
      text: nameOf(flag),
      without: { flags: filter.flags.filter((other) => other !== flag) },
    })),
  ]
  if (filter.severity !== null) chips.push({ id: 'severity', text: severityNames[filter.severity], without: { severity: null } })
  if (filter.split !== null) chips.push({ id: 'split', text: splitNames[filter.split], without: { split: null } })
  if (filter.script !== null) chips.push({ id: 'script', text: `Script: ${filter.script}`, without: { script: null } })
  const tokens = describeRange(filter.tokensFrom, filter.tokensTo, 'tokens')
  if (tokens !== null) chips.push({ id: 'tokens', text: tokens, without: { tokensFrom: null, tokensTo: null } })
  const turns = describeRange(filter.turnsFrom, filter.turnsTo, 'turns')
  if (turns !== null) chips.push({ id: 'turns', text: turns, without: { turnsFrom: null, turnsTo: null } })
  const trained = describeRange(null, filter.trainedTo, 'trained tokens')
  if (trained !== null) chips.push({ id: 'trained', text: trained, without: { trainedTo: null } })
  return chips
}

function describeRange(from: number | null, to: number | null, unit: string): string | null {
  if (from === null && to === null) return null
  if (from === null) return `at most ${formatCount(to)} ${unit}`
  if (to === null) return `at least ${formatCount(from)} ${unit}`
  return from === to ? `${formatCount(from)} ${unit}` : `${formatCount(from)}–${formatCount(to)} ${unit}`
}
