import { TriangleAlert } from 'lucide-react'
import type { Estimate, PreflightItem } from '../../../preload/contract/runs.ts'
import { Button } from '../../ui/Button.tsx'
import { describeError } from '../../lib/describe-error.ts'
import { PreflightList } from './PreflightList.tsx'
import { buildPlanLines, startLabel } from './plan-lines.ts'
import type { NewRunPlan } from './use-new-run.ts'

interface PlanCardProps {
  readonly plan: NewRunPlan
  /** What is still to be decided or corrected; null when the configuration is complete. */
  readonly missing: string | null
  readonly isStarting: boolean
  readonly isQueueing: boolean
  readonly startError: unknown
  readonly onStart: () => void
  readonly onQueue: () => void
}

/** What may be in order again by the time a queued run has its turn. */
const mayPass: ReadonlySet<PreflightItem['id']> = new Set(['endpoint', 'stock', 'gated', 'disk', 'money'])

/** What the run will do and cost, what stands in its way, and the button that starts it. */
export function PlanCard({ plan, missing, isStarting, isQueueing, startError, onStart, onQueue }: PlanCardProps) {
  const isBlocked = plan.preflight?.some((item) => !item.isOk) ?? false
  const isDecided = missing === null && plan.isCurrent && plan.error === null && !isStarting && !isQueueing
  const canStart = isDecided && !isBlocked
  const canQueue = isDecided && (plan.preflight?.every((item) => item.isOk || mayPass.has(item.id)) ?? false)
  return (
    <aside className="plan-card" aria-label="Plan">
      <header>
        <h2>Plan</h2>
        <span className="plan-card-state" aria-live="polite">
          {missing === null && !plan.isCurrent && plan.error === null ? 'Computing again' : ''}
        </span>
      </header>
      {missing !== null ? <p className="plan-card-missing">{missing}</p> : <PlanBody plan={plan} />}
      <div className="plan-card-foot">
        {isBlocked && plan.isCurrent && missing === null && <p className="plan-card-note">Correct the marked lines to start.</p>}
        {startError !== null && (
          <p role="alert" className="field-error">
            {describeError(startError)}
          </p>
        )}
        {/* It stays in the keyboard's reach while it cannot start, so that the card can be scrolled with it. */}
        <Button
          variant="primary"
          className="plan-card-start"
          data-testid="start-run"
          aria-disabled={!canStart}
          onClick={() => {
            if (canStart) onStart()
          }}
        >
          {isStarting ? 'Starting' : missing === null && plan.isCurrent ? startLabel(plan.estimate) : 'Start run'}
        </Button>
        <Button
          className="plan-card-start"
          data-testid="queue-run"
          aria-disabled={!canQueue}
          title="It starts when its turn has come; everything is checked again then"
          onClick={() => {
            if (canQueue) onQueue()
          }}
        >
          {isQueueing ? 'Adding' : 'Add to queue'}
        </Button>
      </div>
    </aside>
  )
}

function PlanBody({ plan }: { readonly plan: NewRunPlan }) {
  if (plan.error !== null) {
    return (
      <p role="alert" className="field-error">
        {describeError(plan.error)}
      </p>
    )
  }
  // What stands in the way comes first, so that it is in sight in a low window too.
  const isBlocked = plan.preflight?.some((item) => !item.isOk) ?? false
  const preflight = plan.preflight === null ? null : <PreflightList items={plan.preflight} />
  return (
    <div className="plan-card-body" aria-busy={!plan.isCurrent}>
      {isBlocked && preflight}
      {plan.estimate === null ? (
        <p className="plan-card-missing">Computing the plan.</p>
      ) : (
        <PlanFigures estimate={plan.estimate} isCurrent={plan.isCurrent} />
      )}
      {!isBlocked && preflight}
    </div>
  )
}

function PlanFigures({ estimate, isCurrent }: { readonly estimate: Estimate; readonly isCurrent: boolean }) {
  return (
    <>
      <dl className="plan-lines">
        {buildPlanLines(estimate).map((line) => (
          <div key={line.id} data-testid={`plan-${line.id}`}>
            <dt>
              {line.label}
              {line.isEstimate && <span className="plan-line-tag">{line.tag}</span>}
            </dt>
            <dd>
              <span className="plan-line-value">{isCurrent ? line.value : '…'}</span>
              {line.basis !== null && <span className="plan-line-basis">{line.basis}</span>}
            </dd>
          </div>
        ))}
      </dl>
      {isCurrent &&
        estimate.warnings.map((warning) => (
          <p key={warning} className="plan-warning">
            <TriangleAlert size={14} aria-hidden="true" />
            {warning}
          </p>
        ))}
    </>
  )
}
