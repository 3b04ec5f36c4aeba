import { ArrowRight, CircleX, Hourglass, Package, Unplug } from 'lucide-react'
import { Link } from '@tanstack/react-router'
import type { Run } from '../../../preload/contract/runs.ts'
import { RelativeTime } from '../../ui/RelativeTime.tsx'

/** What the reader has to know before the figures: lost contact, a stop under way, the error, the adapter. */
export function RunBanners({ run }: { readonly run: Run }) {
  return (
    <>
      {run.contactLost !== null && <ContactLost run={run} reason={run.contactLost} />}
      {run.stopRequested !== null && run.endedAtMs === null && (
        <section className="run-banner" data-tone="warn" aria-live="polite" aria-label="State of the run">
          <Hourglass size={16} aria-hidden="true" />
          <div>
            <h3>{run.stopRequested === 'keep' ? 'Stopping, the adapter is kept' : 'Stopping, nothing is kept'}</h3>
            <p>
              {run.stopRequested === 'keep'
                ? 'The worker finishes the step in hand, then saves and packs what it has learned.'
                : 'The worker ends after the step in hand.'}
            </p>
          </div>
        </section>
      )}
      {run.error !== null && (
        <div className="run-banner" data-tone="bad" role="alert">
          <CircleX size={16} aria-hidden="true" />
          <div>
            <h3>{run.error.message}</h3>
            <p>{run.error.advice}</p>
            <code>{run.error.code}</code>
          </div>
        </div>
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
