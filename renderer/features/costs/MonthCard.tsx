import type { MonthStanding } from '../../../preload/contract/costs.ts'
import { formatMoney } from '../../lib/format.ts'
import { BudgetForm } from '../../ui/BudgetForm.tsx'
import { signedMoney } from './group-costs.ts'

interface MonthCardProps {
  readonly month: MonthStanding
  readonly isSaving: boolean
  readonly onSave: (microUsd: number | null) => void
}

/** The month against its budget: what is spent, what is kept for runs that go on, what is left. */
export function MonthCard({ month, isSaving, onSave }: MonthCardProps) {
  const { fromMs, budgetMicroUsd, spentMicroUsd, committedMicroUsd, leftMicroUsd } = month
  const name = new Date(fromMs).toLocaleDateString('en-GB', { month: 'long', year: 'numeric' })
  return (
    <section className="card costs-month" aria-labelledby="costs-month">
      <h2 id="costs-month">{name}</h2>
      <dl className="fact-list">
        <div>
          <dt>Spent</dt>
          <dd>{signedMoney(spentMicroUsd)}</dd>
        </div>
        <div>
          <dt>Kept for runs that go on</dt>
          <dd>{formatMoney(committedMicroUsd)}</dd>
        </div>
        <div>
          <dt>Left</dt>
          <dd data-testid="month-left">{budgetMicroUsd === null ? 'No budget set' : formatMoney(leftMicroUsd)}</dd>
        </div>
      </dl>
      {budgetMicroUsd !== null && <MonthBar month={month} budgetMicroUsd={budgetMicroUsd} />}
      <BudgetForm
        label="Month budget in dollars"
        hint="A run that could go beyond it is not started, and running ones end before it and keep their best weights. Empty: no limit."
        microUsd={budgetMicroUsd}
        isSaving={isSaving}
        onSave={onSave}
      />
    </section>
  )
}

function MonthBar({ month: { spentMicroUsd, committedMicroUsd }, budgetMicroUsd }: { month: MonthStanding; budgetMicroUsd: number }) {
  const share = (microUsd: number) => Math.min(100, (Math.max(0, microUsd) / budgetMicroUsd) * 100)
  const spent = share(spentMicroUsd)
  const kept = Math.min(100 - spent, share(committedMicroUsd ?? 0))
  return (
    <div className="costs-month-bar" role="img" aria-label={`${Math.floor(spent)} % of ${formatMoney(budgetMicroUsd)} is spent`}>
      <span data-part="spent" style={{ width: `${spent}%` }} />
      <span data-part="kept" style={{ width: `${kept}%` }} />
    </div>
  )
}
