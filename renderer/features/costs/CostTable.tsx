import { Link } from '@tanstack/react-router'
import type { CostEntry } from '../../../preload/contract/costs.ts'
import { formatDuration, formatMoney } from '../../lib/format.ts'
import { dayText, groupCosts, signedMoney, type CostGrouping, type CostRow } from './group-costs.ts'

interface CostTableProps {
  readonly entries: readonly CostEntry[]
  readonly grouping: CostGrouping
}

const heads: Readonly<Record<CostGrouping, string>> = { run: 'Run', day: 'Day', type: 'Type' }
const basisTexts: Readonly<Record<CostEntry['basis'], string>> = {
  free: 'No charge',
  running: 'Running, so far',
  computed: 'Computed',
  checked: 'Computed, on the bill',
  billed: "From RunPod's bill",
}

/** The amounts of a period by run, by day or by type. */
export function CostTable({ entries, grouping }: CostTableProps) {
  const isByRun = grouping === 'run'
  return (
    <div className="table-scroll" role="region" aria-label="Costs" tabIndex={0}>
      <table className="data-table costs-table">
        <thead>
          <tr>
            <th scope="col">{heads[grouping]}</th>
            {isByRun && <th scope="col">Day</th>}
            {isByRun && <th scope="col">Made up of</th>}
            {isByRun && <th scope="col">Basis</th>}
            <th scope="col" className="number">
              Time
            </th>
            <th scope="col" className="number">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {groupCosts(entries, grouping).map((row) => (
            <tr key={row.key}>
              <th scope="row">
                {row.runId === null ? (
                  row.title
                ) : (
                  <Link to="/runs/$runId" params={{ runId: row.runId }}>
                    {row.title}
                  </Link>
                )}
                {row.note !== '' && <span className="costs-note">{row.note}</span>}
              </th>
              {isByRun && <td className="costs-day">{row.dayMs === null ? '–' : dayText(row.dayMs)}</td>}
              {isByRun && <td className="costs-note">{partsText(row)}</td>}
              {isByRun && <td>{row.basis === null ? 'Computed in part' : basisTexts[row.basis]}</td>}
              <td className="number">{formatDuration(row.durationMs)}</td>
              <td className="number">{amountText(row)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function amountText({ basis, amountMicroUsd, isPartial }: CostRow): string {
  if (basis === 'free') return 'No charge'
  return `${signedMoney(amountMicroUsd)}${isPartial && amountMicroUsd !== null ? ' and more' : ''}`
}

function partsText({ parts }: CostRow): string {
  if (parts === null) return '–'
  const { startUpMicroUsd, executionMicroUsd, idleMicroUsd } = parts
  const named = [
    startUpMicroUsd === 0 ? '' : `start ${formatMoney(startUpMicroUsd)} (estimated)`,
    `job ${formatMoney(executionMicroUsd)}`,
    idleMicroUsd === 0 ? '' : `idle ${formatMoney(idleMicroUsd)}`,
  ]
  return named.filter((text) => text !== '').join(', ')
}
