import type { BillCheck, BillComparison } from '../../../preload/contract/costs.ts'
import { formatMoney } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { dayText } from './group-costs.ts'

interface BillCardProps {
  readonly comparisons: readonly BillComparison[]
  readonly checks: readonly BillCheck[]
  readonly isChecking: boolean
  readonly onCheck: () => void
}

/** RunPod's bill beside what was computed here, and how far it could be read. */
export function BillCard({ comparisons, checks, isChecking, onCheck }: BillCardProps) {
  return (
    <section className="card costs-bill" aria-labelledby="costs-bill">
      <header>
        <h2 id="costs-bill">RunPod's bill</h2>
        <Button aria-disabled={isChecking} onClick={() => !isChecking && onCheck()}>
          {isChecking ? 'Reading the bill' : 'Check against RunPod'}
        </Button>
      </header>
      {checks.length === 0 && <p className="field-hint">The bill has not been read yet. It is read by itself while the app is open.</p>}
      <ul className="costs-checks">
        {checks.map((check) => (
          <li key={`${check.subject}/${check.remoteId}`}>
            <CheckText check={check} />
          </li>
        ))}
      </ul>
      {comparisons.length > 0 && (
        <ul className="costs-comparisons" aria-label="Bill and runs by day">
          {comparisons.map((comparison) => (
            <li key={comparison.key}>{compareText(comparison)}</li>
          ))}
        </ul>
      )}
    </section>
  )
}

function CheckText({ check: { subject, name, remoteId, readAtMs, problem } }: { readonly check: BillCheck }) {
  const what = subject === 'endpoint' ? name : `Network volume ${remoteId}`
  return (
    <>
      <b>{what}</b>{' '}
      {problem === null && readAtMs !== null && (
        <>
          read <RelativeTime atMs={readAtMs} />
        </>
      )}
      {problem !== null && (
        <span className="costs-problem">
          {problem.message}
          {readAtMs === null ? ' Until then its costs are as computed here.' : ''}
        </span>
      )}
    </>
  )
}

/** The bill of one day in a sentence. */
export function compareText({ dayMs, endpointName, billedMicroUsd, recordedMicroUsd, state }: BillComparison): string {
  const billed = formatMoney(billedMicroUsd)
  const recorded = formatMoney(recordedMicroUsd)
  const start = `${dayText(dayMs)}: RunPod billed ${billed} for ${endpointName}`
  switch (state) {
    case 'agrees':
      return `${start}, as computed.`
    case 'more':
      return `${start}; runs and jobs account for ${recorded}. The rest is worker start-up, idle time and other use.`
    case 'less':
      return `${start}; ${recorded} was computed. The bill counts.`
    case 'waiting':
      return `${start} so far; ${recorded} was computed. The bill comes later than the runs.`
    case 'missing':
      return `${dayText(dayMs)}: RunPod's bill for ${endpointName} shows nothing; ${recorded} was computed and counts.`
  }
}
