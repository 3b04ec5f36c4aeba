import './budget-form.css'
import { useState } from 'react'
import { readBudget } from '../lib/budget.ts'
import { Button } from './Button.tsx'
import { FormField } from './FormField.tsx'

interface BudgetFormProps {
  readonly label: string
  readonly hint: string
  /** What is kept now; null where there is no limit. */
  readonly microUsd: number | null
  readonly isSaving: boolean
  readonly onSave: (microUsd: number | null) => void
}

/** An amount of dollars that is kept with a button, so that a half-typed one never counts. */
export function BudgetForm({ label, hint, microUsd, isSaving, onSave }: BudgetFormProps) {
  const kept = microUsd === null ? '' : (microUsd / 1_000_000).toFixed(2)
  const [text, setText] = useState<string | null>(null)
  const { value, error } = readBudget(text ?? kept)
  const isChanged = text !== null && value !== microUsd
  return (
    <form
      className="budget-form"
      onSubmit={(event) => {
        event.preventDefault()
        if (value === undefined || !isChanged) return
        onSave(value)
        setText(null)
      }}
    >
      <FormField label={label} hint={hint} error={error ?? undefined}>
        {(field) => (
          <input
            {...field}
            inputMode="decimal"
            autoComplete="off"
            placeholder="No limit"
            value={text ?? kept}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </FormField>
      <Button type="submit" disabled={!isChanged || value === undefined || isSaving}>
        {isSaving ? 'Saving' : 'Save'}
      </Button>
    </form>
  )
}
