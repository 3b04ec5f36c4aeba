import type { ReactNode } from 'react'
import type { Dataset, RowFilter, Severity, SplitName } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { severityNames, splitNames } from './dataset-text.ts'
import { useIssueGroups, useOverview } from './part-queries.ts'

interface RowFilterFormProps {
  readonly dataset: Dataset
  readonly filter: RowFilter
  readonly onChange: (change: Partial<RowFilter>) => void
}

interface Choice {
  readonly value: string
  readonly text: string
}

/** All conditions rows can be narrowed by; each narrows at once. */
export function RowFilterForm({ dataset, filter, onChange }: RowFilterFormProps) {
  const groups = useIssueGroups(dataset).data ?? []
  const overview = useOverview(dataset).data
  return (
    <div className="row-filter-form">
      <Select
        label="Issue"
        value={filter.rules[0] ?? ''}
        choices={groups.map(({ rule, title, rows }) => ({ value: rule, text: `${title} (${formatCount(rows)})` }))}
        onChange={(rule) => onChange({ rules: rule === '' ? [] : [rule] })}
      />
      <Select
        label="Severity"
        value={filter.severity ?? ''}
        choices={Object.entries(severityNames).map(([value, text]) => ({ value, text }))}
        onChange={(severity) => onChange({ severity: severity === '' ? null : (severity as Severity) })}
      />
      <Select
        label="Found in text"
        value={filter.flags[0] ?? ''}
        choices={(overview?.flags ?? []).map(({ name, title, rows }) => ({ value: name, text: `${title} (${formatCount(rows)})` }))}
        onChange={(flag) => onChange({ flags: flag === '' ? [] : [flag] })}
      />
      <Select
        label="Part of the split"
        value={filter.split ?? ''}
        choices={dataset.split === null ? [] : Object.entries(splitNames).map(([value, text]) => ({ value, text }))}
        onChange={(split) => onChange({ split: split === '' ? null : (split as SplitName) })}
      />
      <Select
        label="Script"
        value={filter.script ?? ''}
        choices={(overview?.scripts ?? []).map(({ name, title, rows }) => ({ value: name, text: `${title} (${formatCount(rows)})` }))}
        onChange={(script) => onChange({ script: script === '' ? null : script })}
      />
      <Range
        label="Tokens"
        isDisabled={dataset.tokens === null}
        from={filter.tokensFrom}
        to={filter.tokensTo}
        onChange={(tokensFrom, tokensTo) => onChange({ tokensFrom, tokensTo })}
      />
      <Range
        label="Turns"
        from={filter.turnsFrom}
        to={filter.turnsTo}
        onChange={(turnsFrom, turnsTo) => onChange({ turnsFrom, turnsTo })}
      />
    </div>
  )
}

interface SelectProps {
  readonly label: string
  readonly value: string
  readonly choices: readonly Choice[]
  readonly onChange: (value: string) => void
}

function Select({ label, value, choices, onChange }: SelectProps) {
  return (
    <Line label={label}>
      <select value={value} disabled={choices.length === 0} onChange={(event) => onChange(event.target.value)}>
        <option value="">{choices.length === 0 ? '–' : 'Any'}</option>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.text}
          </option>
        ))}
      </select>
    </Line>
  )
}

function Line({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <label>
      <span>{label}</span>
      {children}
    </label>
  )
}

interface RangeProps {
  readonly label: string
  readonly isDisabled?: boolean
  readonly from: number | null
  readonly to: number | null
  readonly onChange: (from: number | null, to: number | null) => void
}

function Range({ label, isDisabled = false, from, to, onChange }: RangeProps) {
  return (
    <fieldset disabled={isDisabled}>
      <legend>{label}</legend>
      <NumberField label={`${label} from`} value={from} onChange={(value) => onChange(value, to)} />
      <span aria-hidden="true">–</span>
      <NumberField label={`${label} to`} value={to} onChange={(value) => onChange(from, value)} />
    </fieldset>
  )
}

interface NumberFieldProps {
  readonly label: string
  readonly value: number | null
  readonly onChange: (value: number | null) => void
}

function NumberField({ label, value, onChange }: NumberFieldProps) {
  return (
    <input
      type="number"
      min={0}
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => {
        const next = event.target.valueAsNumber
        onChange(Number.isSafeInteger(next) && next >= 0 ? next : null)
      }}
    />
  )
}
