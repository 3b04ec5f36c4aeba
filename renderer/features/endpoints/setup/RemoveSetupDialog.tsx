import { useState } from 'react'
import type { Setup } from '../../../../preload/contract/endpoint-setups.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { formatMoney } from '../../../lib/format.ts'
import { Button } from '../../../ui/Button.tsx'
import { Dialog } from '../../../ui/Dialog.tsx'
import { FormField } from '../../../ui/FormField.tsx'
import { useSetupActions } from './setup-queries.ts'

interface RemoveSetupDialogProps {
  readonly setup: Setup
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Deletes what the app has made at RunPod; files on a volume are lost with it, so its name is typed first. */
export function RemoveSetupDialog({ setup, isOpen, onClose }: RemoveSetupDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      title={`Delete “${setup.name}” at RunPod?`}
      description="The endpoint with its workers and the template are deleted in your account. Adapters on this computer, finished runs and costs stay."
      onClose={onClose}
    >
      {isOpen && <RemoveForm setup={setup} onClose={onClose} />}
    </Dialog>
  )
}

function RemoveForm({ setup, onClose }: Omit<RemoveSetupDialogProps, 'isOpen'>) {
  const { remove } = useSetupActions()
  const [keepVolume, setKeepVolume] = useState(false)
  const [typed, setTyped] = useState('')
  const { id, name, phase, volumeId, proposal, restsPerMonthMicroUsd } = setup
  const losesFiles = volumeId !== null && !keepVolume
  const isConfirmed = !losesFiles || typed.trim() === name
  const cost = restsPerMonthMicroUsd === null ? 'at a price RunPod does not name' : `for ${formatMoney(restsPerMonthMicroUsd)} a month`
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault()
    if (isConfirmed) remove.mutate({ id, keepVolume }, { onSuccess: onClose })
  }
  return (
    <form className="endpoint-form" onSubmit={submit}>
      {volumeId !== null && phase !== 'kept' && (
        <label className="setup-keep">
          <input type="checkbox" checked={keepVolume} onChange={(event) => setKeepVolume(event.target.checked)} />
          <span>{`Keep the network volume of ${proposal.volumeGb} GB, ${cost}`}</span>
        </label>
      )}
      {losesFiles && (
        <>
          <p className="field-hint">
            {`With the volume ${volumeId} everything on it is lost: base models, datasets, and adapters that were not collected.`}
          </p>
          <FormField label={`Type ${name} to delete it`}>
            {(field) => <input {...field} value={typed} onChange={(event) => setTyped(event.target.value)} spellCheck={false} />}
          </FormField>
        </>
      )}
      {remove.error !== null && (
        <p role="alert" className="field-error">
          {describeError(remove.error)}
        </p>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="danger" disabled={!isConfirmed || remove.isPending}>
          {losesFiles ? 'Delete with all files' : 'Delete, keep the volume'}
        </Button>
      </div>
    </form>
  )
}
