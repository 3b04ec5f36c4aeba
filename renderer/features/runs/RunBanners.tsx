import { ArrowRight, CircleX, Flag, Package, RotateCw, Unplug } from 'lucide-react'
import { Link, useNavigate } from '@tanstack/react-router'
import type { Run } from '../../../preload/contract/runs.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { runDraftStore } from './draft-store.ts'
import { useStartRun } from './queries.ts'
import { RescueBanner } from './RescueBanner.tsx'
import { StopBanner } from './StopBanner.tsx'
import { retryChangeFor, type RetryChange } from './retry-change.ts'
import { configWith, departureFor, type Departure } from './run-departures.ts'

/** What the reader has to know before the figures: lost contact, a stop under way, how it ended, the error, the adapter. */
export function RunBanners({ run }: { readonly run: Run }) {
  return (
    <>
      {run.contactLost !== null && <ContactLost run={run} reason={run.contactLost} />}
      {run.stopRequested !== null && run.endedAtMs === null && <StopBanner run={run} />}
      {run.error !== null && <Failure run={run} error={run.error} />}
      {run.rescue !== null && <RescueBanner run={run} rescue={run.rescue} />}
      {run.endedAtMs !== null && run.stageDetail !== null && (
        <section className="run-banner" data-tone="neutral" aria-label="How the run ended">
          <Flag size={16} aria-hidden="true" />
          <div>
            <h3>{run.stageDetail}</h3>
          </div>
        </section>
      )}
      {run.adapterId !== null && (
        <Link to="/adapters/$adapterId" params={{ adapterId: run.adapterId }} className="run-banner run-adapter-link" data-tone="good">
          <Package size={16} aria-hidden="true" />
          <div>
            <h3>The adapter is on this computer</h3>
            <p>Open it to see how it was checked, to drag it out or to save a copy.</p>
          </div>
          <ArrowRight size={16} aria-hidden="true" />
        </Link>
      )}
    </>
  )
}

function Failure({ run, error }: { readonly run: Run; readonly error: NonNullable<Run['error']> }) {
  const departure = departureFor(run)
  const change = retryChangeFor(run)
  return (
    <div className="run-banner" data-tone="bad" role="alert">
      <CircleX size={16} aria-hidden="true" />
      <div>
        <h3>{error.message}</h3>
        <p>{error.advice}</p>
        <code>{error.code}</code>
        {departure !== null && <StartAgain run={run} departure={departure} />}
        {change !== null && <RetryWith run={run} change={change} />}
      </div>
    </div>
  )
}

/** The same run with the change that its failure suggests; nothing starts before the plan was seen. */
function RetryWith({ run, change }: { readonly run: Run; readonly change: RetryChange }) {
  const navigate = useNavigate()
  return (
    <div className="run-banner-action">
      <ul className="retry-change" aria-label="What the retry would have otherwise">
        {change.lines.map(({ label, from, to }) => (
          <li key={label}>
            {label} {from} → <b>{to}</b>
          </li>
        ))}
      </ul>
      <Button onClick={() => decideAnew({ id: run.id, config: change.config }, navigate)}>
        <RotateCw size={14} aria-hidden="true" />
        Retry with this change
      </Button>
    </div>
  )
}

function decideAnew(run: Pick<Run, 'id' | 'config'>, navigate: ReturnType<typeof useNavigate>): void {
  runDraftStore.getState().copyRun(run)
  void navigate({ to: '/runs/new' })
}

/** The same run once more, with the one thing agreed to that the trainer refused to decide by itself. */
function StartAgain({ run, departure }: { readonly run: Run; readonly departure: Departure }) {
  const navigate = useNavigate()
  const start = useStartRun()
  const startAgain = () => {
    const config = configWith(run, departure)
    // What costs money is agreed to where the price is seen.
    if (run.endpointKind === 'runpod') return decideAnew({ id: run.id, config }, navigate)
    start.mutate(
      { config, name: run.name, retryOf: run.id },
      { onSuccess: ({ id }) => void navigate({ to: '/runs/$runId', params: { runId: id } }) },
    )
  }
  return (
    <div className="run-banner-action">
      <Button onClick={startAgain} disabled={start.isPending}>
        <RotateCw size={14} aria-hidden="true" />
        {departure.action}
      </Button>
      {start.error !== null && <p className="field-error">{describeError(start.error)}</p>}
    </div>
  )
}

function ContactLost({ run, reason }: { readonly run: Run; readonly reason: string }) {
  return (
    <section className="run-banner" data-tone="warn" aria-live="polite" aria-label="State of the run">
      <Unplug size={16} aria-hidden="true" />
      <div>
        <h3>
          No contact with the run{run.lastSeenAtMs === null ? '' : ', last heard from '}
          {run.lastSeenAtMs !== null && <RelativeTime atMs={run.lastSeenAtMs} />}
        </h3>
        <p>
          {run.head.step > 0 ? `Known up to step ${run.head.step.toLocaleString('en-US')}. ` : ''}
          {reason}
        </p>
      </div>
    </section>
  )
}
