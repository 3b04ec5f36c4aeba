import './costs.css'
import { Link } from '@tanstack/react-router'
import { CircleDollarSign } from 'lucide-react'
import { useState } from 'react'
import type { CostRecord } from '../../../preload/contract/costs.ts'
import { formatCount, formatDuration, formatMoney } from '../../lib/format.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { useCosts } from './queries.ts'

const dayMs = 86_400_000
const periods = [
  { value: 'week', title: '7 days', days: 7 },
  { value: 'month', title: '30 days', days: 30 },
  { value: 'all', title: 'All time', days: null },
] as const
type Period = (typeof periods)[number]['value']

/** What every ended run cost, the free ones included. */
export function CostsPage() {
  const [{ period, fromMs }, setPeriod] = useState<{ period: Period; fromMs: number | null }>({ period: 'all', fromMs: null })
  const costs = useCosts(fromMs)
  if (costs.error !== null) return <ErrorNote error={costs.error} onRetry={() => void costs.refetch()} />
  if (costs.data === undefined) return <p className="page-note">Reading the costs.</p>
  if (costs.data.records.length === 0 && period === 'all') {
    return (
      <EmptyState
        icon={<CircleDollarSign size={28} aria-hidden="true" />}
        title="No cost yet"
        body="Every run that ends, however it ends, is listed here with its time and what it cost. Runs on this computer are free of charge."
      />
    )
  }
  const choose = (next: Period) => {
    const days = periods.find(({ value }) => value === next)?.days ?? null
    setPeriod({ period: next, fromMs: days === null ? null : Date.now() - days * dayMs })
  }
  return (
    <div className="list-page">
      <div className="costs-head">
        <p>
          <b>{formatMoney(costs.data.totalMicroUsd)}</b> for {formatCount(costs.data.runs)} {costs.data.runs === 1 ? 'run' : 'runs'}
        </p>
        <SegmentedControl label="Period" options={periods} value={period} onChange={choose} />
      </div>
      {costs.data.records.length === 0 ? (
        <p className="page-note">No run ended in this period.</p>
      ) : (
        <CostTable records={costs.data.records} />
      )}
    </div>
  )
}

function CostTable({ records }: { readonly records: readonly CostRecord[] }) {
  return (
    <div className="table-scroll" role="region" aria-label="Costs" tabIndex={0}>
      <table className="data-table">
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">What for</th>
            <th scope="col">Ended</th>
            <th scope="col" className="number">
              Time
            </th>
            <th scope="col" className="number">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {records.map((record) => (
            <tr key={record.id}>
              <th scope="row">
                {record.runId === null ? (
                  record.runName
                ) : (
                  <Link to="/runs/$runId" params={{ runId: record.runId }}>
                    {record.runName}
                  </Link>
                )}
              </th>
              <td>{record.detail}</td>
              <td>
                <RelativeTime atMs={record.recordedAtMs} />
              </td>
              <td className="number">{formatDuration(record.durationMs)}</td>
              <td className="number">{record.endpointKind === 'local' ? 'No charge' : formatMoney(record.amountMicroUsd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
