import { useState, type FormEvent } from 'react'
import type { QueueSettings, RunQueue } from '../../../../preload/contract/queue.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { formatMoment } from '../../../lib/format.ts'
import { Button } from '../../../ui/Button.tsx'
import { Dialog } from '../../../ui/Dialog.tsx'
import { FormField } from '../../../ui/FormField.tsx'
import { readBudget } from '../../../lib/budget.ts'
import { budgetFigures } from './queue-texts.ts'
import { useChangeQueue } from './queries.ts'

interface QueueSettingsDialogProps {
  readonly queue: RunQueue
  readonly onClose: () => void
}

const mostAtOnce = 10

/** The shared budget, how many runs go at once, and what a failure does. */
export function QueueSettingsDialog({ queue, onClose }: QueueSettingsDialogProps) {
  const { settings } = queue
  const [budgetText, setBudgetText] = useState(settings.budgetMicroUsd === null ? '' : (settings.budgetMicroUsd / 1_000_000).toFixed(2))
  const [runpodAtOnce, setAtOnce] = useState(settings.runpodAtOnce)
  const [onFailure, setOnFailure] = useState<QueueSettings['onFailure']>(settings.onFailure)
  const budget = readBudget(budgetText)
  const update = useChangeQueue('runs.updateQueue')
  const save = (event: FormEvent) => {
    event.preventDefault()
    if (budget.value === undefined) return
    update.mutate({ budgetMicroUsd: budget.value, runpodAtOnce, onFailure }, { onSuccess: onClose })
  }
  return (
    <Dialog isOpen title="Budget and order of work" onClose={onClose}>
      <form className="queue-settings" onSubmit={save}>
        <FormField
          label="Shared budget in dollars"
          hint="All runs of the queue together stay below it. A run is given its own budget, or what is left, when it starts; the worker keeps to that while this app is closed as well. Empty: no shared limit."
          error={budget.error ?? undefined}
        >
          {(field) => (
            <input
              {...field}
              inputMode="decimal"
              autoComplete="off"
              placeholder="No limit"
              value={budgetText}
              onChange={(event) => setBudgetText(event.target.value)}
            />
          )}
        </FormField>
        <SharedBudget queue={queue} />
        <FormField label="Runs on RunPod at once" hint="This computer always takes one run at a time.">
          {(field) => (
            <select {...field} value={runpodAtOnce} onChange={(event) => setAtOnce(Number(event.target.value))}>
              {Array.from({ length: mostAtOnce }, (_unused, index) => (
                <option key={index + 1} value={index + 1}>
                  {index + 1}
                </option>
              ))}
            </select>
          )}
        </FormField>
        <FormField label="When runs fail">
          {(field) => (
            <select
              {...field}
              value={onFailure}
              onChange={(event) => setOnFailure(event.target.value === 'go_on' ? 'go_on' : 'pause_after_two')}
            >
              <option value="pause_after_two">Pause after two in a row</option>
              <option value="go_on">Go on with the next</option>
            </select>
          )}
        </FormField>
        {update.error !== null && (
          <p role="alert" className="field-error">
            {describeError(update.error)}
          </p>
        )}
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={budget.value === undefined || update.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function SharedBudget({ queue }: { readonly queue: RunQueue }) {
  const recount = useChangeQueue('runs.recountQueue')
  const figures = budgetFigures(queue)
  if (figures.length === 0) return null
  return (
    <div className="queue-recount">
      <span>
        {figures
          .slice(1)
          .map(({ label, value }) => `${label} ${value}`)
          .join(' · ')}
        , counted since {formatMoment(queue.countsSinceMs)}. What is set aside is for runs under way, and about a minute per run that RunPod
        may bill for the start of its worker.
      </span>
      <Button size="small" disabled={recount.isPending} onClick={() => recount.mutate({})}>
        Count from now
      </Button>
    </div>
  )
}
