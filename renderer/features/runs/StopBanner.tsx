import { useState } from 'react'
import { Hourglass } from 'lucide-react'
import type { Run } from '../../../preload/contract/runs.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { useEndWorkers } from './queries.ts'
import { useNow } from './use-now.ts'

/** A worker that follows a stop has ended by then. */
const patienceMs = 60_000

/** A stop under way: what was asked and when, and the stronger measure once the worker does not follow. */
export function StopBanner({ run }: { readonly run: Run }) {
  const nowMs = useNow(true)
  const [isAsking, setAsking] = useState(false)
  const endWorkers = useEndWorkers(run.id)
  const { stopAskedAtMs } = run
  const isOverdue = run.endpointKind === 'runpod' && stopAskedAtMs !== null && nowMs - stopAskedAtMs >= patienceMs && run.jobId !== null
  return (
    <section className="run-banner" data-tone="warn" aria-live="polite" aria-label="State of the run">
      <Hourglass size={16} aria-hidden="true" />
      <div>
        <h3>
          {run.stopRequested === 'keep' ? 'Stopping, the adapter is kept' : 'Stopping, nothing is kept'}
          {stopAskedAtMs !== null && (
            <>
              {', asked for '}
              <RelativeTime atMs={stopAskedAtMs} />
            </>
          )}
        </h3>
        <p>{isOverdue ? overdueText(run) : usualText(run)}</p>
        {isOverdue && run.endingWorkers === 'not_asked' && (
          <div className="run-banner-action">
            <Button onClick={() => setAsking(true)} disabled={endWorkers.isPending}>
              End the endpoint’s workers
            </Button>
            {endWorkers.error !== null && <p className="field-error">{describeError(endWorkers.error)}</p>}
          </div>
        )}
      </div>
      <ConfirmDialog
        isOpen={isAsking}
        title={`End all workers of “${run.endpointName}”?`}
        body={endText(run)}
        confirmLabel="End workers"
        isDestructive
        onConfirm={() => {
          setAsking(false)
          endWorkers.mutate()
        }}
        onCancel={() => setAsking(false)}
      />
    </section>
  )
}

function usualText({ stopRequested }: Run): string {
  return stopRequested === 'keep'
    ? 'The worker finishes the step in hand, then saves and packs what it has learned.'
    : 'The worker ends after the step in hand.'
}

function overdueText({ endingWorkers }: Run): string {
  if (endingWorkers === 'not_asked')
    return 'Its worker has not been seen to end and may still be billed. The app goes on asking it to stop.'
  if (endingWorkers === 'asked') return 'The endpoint is being told to end its workers.'
  return 'The endpoint was told to end its workers; the app looks until they are gone. The next run lets it start them again.'
}

function endText({ stopRequested, head }: Run): string {
  const others = 'Whatever else runs on this endpoint ends as well. The next run lets it start workers again.'
  if (stopRequested === 'discard' || head.step === 0) return others
  return `The worker is ended without saving: what it has learned since its last checkpoint is lost. ${others}`
}
