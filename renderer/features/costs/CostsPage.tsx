import './costs.css'
import { CircleDollarSign, Download } from 'lucide-react'
import { useState } from 'react'
import type { CostOverview, CostPeriod } from '../../../preload/contract/costs.ts'
import { DayBars } from '../../charts/DayBars.tsx'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { BillCard } from './BillCard.tsx'
import { CostTable } from './CostTable.tsx'
import { barsOf, signedMoney, type CostGrouping } from './group-costs.ts'
import { MonthCard } from './MonthCard.tsx'
import { useCostActions, useCostOverview } from './queries.ts'

const periods: readonly { readonly value: CostPeriod; readonly title: string }[] = [
  { value: 'this_month', title: 'This month' },
  { value: 'last_month', title: 'Last month' },
  { value: 'days_30', title: '30 days' },
  { value: 'all', title: 'All time' },
]
const groupings: readonly { readonly value: CostGrouping; readonly title: string }[] = [
  { value: 'run', title: 'By run' },
  { value: 'day', title: 'By day' },
  { value: 'type', title: 'By type' },
]
const series = ['Training', 'Storage', 'Other'] as const

/** What everything cost, beside RunPod's bill and the budget of the month. */
export function CostsPage() {
  const [period, setPeriod] = useState<CostPeriod>('this_month')
  const costs = useCostOverview(period)
  const { check, exportCsv, saveMonthBudget } = useCostActions(period)
  if (costs.error !== null) return <ErrorNote error={costs.error} onRetry={() => void costs.refetch()} />
  if (costs.data === undefined) return <p className="page-note">Reading the costs.</p>
  const overview = costs.data
  return (
    <div className="list-page costs-page">
      <div className="costs-head">
        <Totals overview={overview} />
        <div className="costs-head-actions">
          <SegmentedControl label="Period" options={periods} value={period} onChange={setPeriod} />
          <Button aria-disabled={exportCsv.isPending} onClick={() => !exportCsv.isPending && exportCsv.mutate()}>
            <Download size={14} aria-hidden="true" />
            Export CSV
          </Button>
        </div>
      </div>
      <Amounts overview={overview} period={period} />
      <div className="costs-cards">
        <MonthCard month={overview.month} isSaving={saveMonthBudget.isPending} onSave={(microUsd) => saveMonthBudget.mutate(microUsd)} />
        <BillCard comparisons={overview.comparisons} checks={overview.checks} isChecking={check.isPending} onCheck={() => check.mutate()} />
      </div>
    </div>
  )
}

function Totals({ overview }: { readonly overview: CostOverview }) {
  const { totalMicroUsd, runsMicroUsd, storageMicroUsd, otherMicroUsd, runs, unknown } = overview
  return (
    <div className="costs-totals">
      <p>
        <b data-testid="costs-total">{signedMoney(totalMicroUsd)}</b> for {formatCount(runs)} {runs === 1 ? 'run' : 'runs'}
      </p>
      <p className="field-hint">
        Training {signedMoney(runsMicroUsd)}, storage {signedMoney(storageMicroUsd)}, other {signedMoney(otherMicroUsd)}.
        {unknown > 0 && ` The cost of ${formatCount(unknown)} more is not known here; it is on RunPod's bill.`}
      </p>
    </div>
  )
}

function Amounts({ overview, period }: { readonly overview: CostOverview; readonly period: CostPeriod }) {
  const [grouping, setGrouping] = useState<CostGrouping>('run')
  if (overview.entries.length === 0 && period === 'all') {
    return (
      <EmptyState
        icon={<CircleDollarSign size={28} aria-hidden="true" />}
        title="No cost yet"
        body="Every run that ends, however it ends, is listed here with its time and what it cost. Runs on this computer are free of charge."
      />
    )
  }
  if (overview.entries.length === 0) return <p className="page-note">Nothing was charged and no run ended in this period.</p>
  const isPaid = overview.entries.some(({ amountMicroUsd }) => amountMicroUsd !== null && amountMicroUsd !== 0)
  return (
    <>
      {isPaid && (
        <div className="card">
          <DayBars title="Each day" series={series} days={barsOf(overview)} />
        </div>
      )}
      <SegmentedControl label="Group by" options={groupings} value={grouping} onChange={setGrouping} />
      <CostTable entries={overview.entries} grouping={grouping} />
    </>
  )
}
