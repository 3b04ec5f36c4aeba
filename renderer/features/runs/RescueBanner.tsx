import { LifeBuoy } from 'lucide-react'
import { useState } from 'react'
import type { Run } from '../../../preload/contract/runs.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatMoney } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { useRescueRun } from './queries.ts'

interface RescueBannerProps {
  readonly run: Run
  readonly rescue: NonNullable<Run['rescue']>
}

/** A run that was cut off has left a checkpoint: what fetching it takes and costs, and how it goes. */
export function RescueBanner({ run, rescue }: RescueBannerProps) {
  const [isAsking, setAsking] = useState(false)
  const start = useRescueRun(run.id)
  const { step, mostMicroUsd, message } = rescue
  const most = mostMicroUsd === null ? 'at a price that is not known here' : `at most ${formatMoney(mostMicroUsd)}`
  return (
    <section className="run-banner" data-tone="warn" aria-live="polite" aria-label="What was saved">
      <LifeBuoy size={16} aria-hidden="true" />
      <div>
        <h3>{`The worker had saved a checkpoint at step ${step.toLocaleString('en-US')}`}</h3>
        {rescue.state === 'working' ? (
          <p>A worker packages it; then the app fetches and checks the adapter. You may close the app meanwhile.</p>
        ) : (
          <>
            <p>It lies on the network volume. A worker can make an adapter of it without training on.</p>
            {message !== null && <p className="field-error">{message}</p>}
            <div className="run-banner-action">
              <Button onClick={() => setAsking(true)} disabled={start.isPending}>
                {`Fetch the checkpoint of step ${step.toLocaleString('en-US')}`}
              </Button>
              {start.error !== null && <p className="field-error">{describeError(start.error)}</p>}
            </div>
          </>
        )}
      </div>
      <ConfirmDialog
        isOpen={isAsking}
        title="Start a worker to package the checkpoint?"
        body={`It takes seconds of work beside the start of the worker and is charged: usually a few cents, ${most}, which is its limit of ten minutes.`}
        confirmLabel="Fetch the checkpoint"
        onConfirm={() => {
          setAsking(false)
          start.mutate()
        }}
        onCancel={() => setAsking(false)}
      />
    </section>
  )
}
