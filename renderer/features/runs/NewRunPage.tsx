import './new-run.css'
import { useEffect } from 'react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useStore } from 'zustand'
import { describeError } from '../../lib/describe-error.ts'
import { runDraftStore } from './draft-store.ts'
import { AgreedDepartures } from './AgreedDepartures.tsx'
import { NewRunChoices } from './NewRunChoices.tsx'
import { PlanCard } from './PlanCard.tsx'
import { useEnqueueRun } from './queue/queries.ts'
import { useStartRun } from './queries.ts'
import { useNewRun, type NewRun } from './use-new-run.ts'

/** Where a run is decided: four choices on the left, what they amount to on the right. */
export function NewRunPage() {
  const search: { dataset?: string } = useSearch({ strict: false })
  const navigate = useNavigate()
  const newRun = useNewRun()
  const draft = useStore(runDraftStore)
  const start = useStartRun()
  const enqueue = useEnqueueRun()
  useEffect(() => {
    if (search.dataset !== undefined) runDraftStore.getState().chooseDataset(search.dataset)
  }, [search.dataset])

  const startRun = () => {
    if (newRun.config === null) return
    start.mutate(
      { config: newRun.config, name: draft.name, retryOf: draft.retryOf },
      {
        onSuccess: (run) => {
          runDraftStore.getState().clear()
          void navigate({ to: '/runs/$runId', params: { runId: run.id } })
        },
      },
    )
  }
  const queueRun = () => {
    if (newRun.config === null) return
    enqueue.mutate(
      { config: newRun.config, name: draft.name, retryOf: draft.retryOf },
      {
        onSuccess: () => {
          runDraftStore.getState().clear()
          void navigate({ to: '/runs' })
        },
      },
    )
  }
  return (
    <div className="new-run">
      <div className="new-run-choices">
        {newRun.loadError !== null && (
          <p role="alert" className="field-error">
            {describeError(newRun.loadError)}
          </p>
        )}
        <NewRunChoices newRun={newRun} />
        <AgreedDepartures accepts={draft.accepts} onRefuse={draft.refuse} />
        <div className="choice new-run-name">
          <label className="field-label" htmlFor="run-name">
            Name of the run
          </label>
          <input
            id="run-name"
            type="text"
            maxLength={200}
            placeholder="Named after the dataset and the model when empty"
            value={draft.name}
            onChange={(event) => draft.rename(event.target.value)}
          />
        </div>
      </div>
      <PlanCard
        plan={newRun.plan}
        missing={missingText(newRun)}
        isStarting={start.isPending}
        isQueueing={enqueue.isPending}
        startError={start.error ?? enqueue.error}
        onStart={startRun}
        onQueue={queueRun}
      />
    </div>
  )
}

function missingText(newRun: NewRun): string | null {
  if (newRun.config !== null) return null
  if (newRun.dataset === undefined) return 'Choose a dataset to see what the run will do and cost.'
  if (newRun.form === null) return 'Choose a base model to see what the run will do and cost.'
  if (newRun.endpoint === undefined) return 'Choose an endpoint to see what the run will do and cost.'
  return 'Correct the marked values to see what the run will do and cost.'
}
