import { FormField } from '../../ui/FormField.tsx'

interface BudgetSectionProps {
  readonly text: string
  readonly error: string | null
  /** False when the price of the endpoint is not known, so that no budget can be kept. */
  readonly hasPrice: boolean
  readonly onChange: (text: string) => void
}

/** The most a run on a charged endpoint may cost. */
export function BudgetSection({ text, error, hasPrice, onChange }: BudgetSectionProps) {
  const hint = hasPrice
    ? 'The run ends before it costs more, and keeps its best weights. The worker keeps to it while this app is closed as well. Empty: no limit but twelve hours.'
    : 'The price of this endpoint is not known, so a budget cannot be kept. Test the connection under Endpoints.'
  return (
    <section className="choice new-run-name" aria-label="Budget">
      <FormField label="Budget in dollars" hint={hint} error={error ?? undefined}>
        {(field) => (
          <input
            {...field}
            name="budget"
            inputMode="decimal"
            autoComplete="off"
            placeholder="No limit"
            value={text}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </FormField>
    </section>
  )
}
