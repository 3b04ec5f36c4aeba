import { useState, type FormEvent } from 'react'
import type { Endpoint } from '../../../preload/contract/endpoints.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { useEndpointActions } from './queries.ts'

interface RenameEndpointDialogProps {
  readonly endpoint: Endpoint
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Changes the name of an endpoint in this app. */
export function RenameEndpointDialog({ endpoint, isOpen, onClose }: RenameEndpointDialogProps) {
  return (
    <Dialog isOpen={isOpen} title="Rename endpoint" onClose={onClose}>
      {isOpen && <RenameForm endpoint={endpoint} onClose={onClose} />}
    </Dialog>
  )
}

function RenameForm({ endpoint, onClose }: Omit<RenameEndpointDialogProps, 'isOpen'>) {
  const [name, setName] = useState(endpoint.name)
  const { rename } = useEndpointActions()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    rename.mutate({ id: endpoint.id, name }, { onSuccess: onClose })
  }
  return (
    <form className="endpoint-form" onSubmit={submit}>
      <FormField
        label="Name"
        hint="Only here; the name in RunPod stays."
        error={rename.error === null ? undefined : describeError(rename.error)}
      >
        {(field) => <input {...field} value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />}
      </FormField>
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={name.trim() === '' || rename.isPending}>
          Rename
        </Button>
      </div>
    </form>
  )
}
