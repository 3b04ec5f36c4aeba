import { useState, type FormEvent } from 'react'
import type { Endpoint } from '../../../preload/contract/endpoints.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { useEndpointActions } from './queries.ts'

interface ReplaceKeyDialogProps {
  readonly endpoint: Endpoint
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Stores another API key for an endpoint. */
export function ReplaceKeyDialog({ endpoint, isOpen, onClose }: ReplaceKeyDialogProps) {
  return (
    <Dialog isOpen={isOpen} title={`Replace the key of “${endpoint.name}”`} onClose={onClose}>
      {isOpen && <ReplaceKeyForm endpoint={endpoint} onClose={onClose} />}
    </Dialog>
  )
}

function ReplaceKeyForm({ endpoint, onClose }: Omit<ReplaceKeyDialogProps, 'isOpen'>) {
  const [apiKey, setApiKey] = useState('')
  const { replaceKey, test } = useEndpointActions()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    replaceKey.mutate(
      { id: endpoint.id, apiKey },
      {
        onSuccess: () => {
          test.mutate(endpoint.id)
          onClose()
        },
      },
    )
  }
  return (
    <form className="endpoint-form" onSubmit={submit} autoComplete="off">
      <FormField label="API key" error={replaceKey.error === null ? undefined : describeError(replaceKey.error)}>
        {(field) => <input {...field} type="password" value={apiKey} onChange={(event) => setApiKey(event.target.value)} />}
      </FormField>
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={apiKey === '' || replaceKey.isPending}>
          Replace and test
        </Button>
      </div>
    </form>
  )
}
