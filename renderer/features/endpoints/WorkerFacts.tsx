import { useState } from 'react'
import { greetingLimitMs, type EndpointWorker } from '../../../preload/contract/endpoints.ts'
import { formatMoment, formatMoney } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'

interface WorkerFactsProps {
  readonly worker: EndpointWorker
  readonly isAsking: boolean
  readonly onAsk: () => void
  /** Set where the app can put its own, newer worker on the endpoint. */
  readonly onUpdate: (() => void) | null
  readonly isUpdating: boolean
}

/** The version of an endpoint's worker, and the way to ask for it or to update it. */
export function WorkerFacts({ worker, isAsking, onAsk, onUpdate, isUpdating }: WorkerFactsProps) {
  const [isConfirming, setConfirming] = useState(false)
  const { facts, verdict, greeting, problem, greetingMostMicroUsd } = worker
  const most = greetingMostMicroUsd === null ? 'at a price that is not known here' : `${formatMoney(greetingMostMicroUsd)} at most`
  return (
    <div className="endpoint-worker">
      <h3>Worker</h3>
      <p data-state={verdict.state}>{verdict.text}</p>
      {facts !== null && (
        <p className="field-hint">{`${facts.gpu.name}, PyTorch ${facts.torch}; it said so ${formatMoment(facts.saidAtMs)}.`}</p>
      )}
      {verdict.advice !== null && <p className="field-hint">{verdict.advice}</p>}
      {greeting !== null && <p role="status">{greeting.text}</p>}
      {greeting === null && problem !== null && (
        <p role="alert" className="field-error">
          {problem}
        </p>
      )}
      <div className="endpoint-actions">
        <Button size="small" onClick={() => setConfirming(true)} disabled={isAsking || greeting !== null}>
          {greeting === null ? 'Ask the worker' : 'Asking the worker'}
        </Button>
        {onUpdate !== null && (
          <Button size="small" onClick={onUpdate} disabled={isUpdating}>
            {isUpdating ? 'Updating' : 'Update the worker'}
          </Button>
        )}
      </div>
      <ConfirmDialog
        isOpen={isConfirming}
        title="Start a worker and ask for its version?"
        body={`A worker is started and charged: usually a few cents, ${most} if it takes the longest time of ${greetingLimitMs / 60_000} minutes.`}
        confirmLabel="Ask the worker"
        onConfirm={() => {
          setConfirming(false)
          onAsk()
        }}
        onCancel={() => setConfirming(false)}
      />
    </div>
  )
}
