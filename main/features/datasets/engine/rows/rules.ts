import type { Severity } from '../../../../../preload/contract/datasets.ts'
import type { Rule } from '../row-model.ts'
import { ruleNumbers, type RuleText } from './rule-numbers.ts'
import { jsonRules } from './rules-json.ts'
import { schemaRules } from './rules-schema.ts'
import { setRules, tokenRules } from './rules-set.ts'

/** Every rule, at the index of its number. */
export const rules: readonly Rule[] = [
  ...withLevel('json', jsonRules),
  ...withLevel('schema', schemaRules),
  ...withLevel('token', tokenRules),
  ...withLevel('set', setRules),
].sort((a, b) => a.number - b.number)

/** The rule with this name; undefined for a name that no rule has. */
export function ruleById(id: string): Rule | undefined {
  return rules.find((rule) => rule.id === id)
}

/** Bits of rules 0–31 with severity `error`, as an unsigned number. */
export const errorRulesLow = maskOf('error', 0)
/** Bits of rules 32–63 with severity `error`, as an unsigned number. */
export const errorRulesHigh = maskOf('error', 32)
function withLevel(level: Rule['level'], texts: readonly RuleText[]): Rule[] {
  return texts.map(([id, severity, title, advice, fixLabel]) => ({ number: ruleNumbers[id], id, level, severity, title, advice, fixLabel }))
}

function maskOf(severity: Severity, from: number): number {
  let mask = 0
  for (const rule of rules)
    if (rule.severity === severity && rule.number >= from && rule.number < from + 32) mask |= 1 << (rule.number - from)
  return mask >>> 0
}
