import { flagTable } from '../hygiene/flags.ts'
import { scriptTable } from '../hygiene/scripts-of-text.ts'
import { rules } from '../rows/rules.ts'
import { maskOf, type FilterNumbers } from './filter-rows.ts'

const maskOfSeverity = (severity: 'error' | 'warning' | 'info') =>
  maskOf(rules.filter((rule) => rule.severity === severity).map((rule) => rule.number))

/** Which names of a filter stand for which bits. */
export const filterNumbers: FilterNumbers = {
  ruleNumbers: new Map(rules.map(({ id, number }) => [id, number])),
  flagNumbers: new Map(flagTable.map(({ id, number }) => [id, number])),
  scriptNumbers: new Map(scriptTable.map(({ name }, number) => [name, number])),
  severityMasks: { error: maskOfSeverity('error'), warning: maskOfSeverity('warning'), info: maskOfSeverity('info') },
}
