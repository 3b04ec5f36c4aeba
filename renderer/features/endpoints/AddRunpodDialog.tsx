import { zodResolver } from '@hookform/resolvers/zod'
import { useForm } from 'react-hook-form'
import { addRunpodInputSchema, type AddRunpodInput } from '../../../preload/contract/endpoints.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { useEndpointActions } from './queries.ts'

interface AddRunpodDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Connects an endpoint the user already has. */
export function AddRunpodDialog({ isOpen, onClose }: AddRunpodDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      title="Add a RunPod endpoint"
      description="The key goes to this system's keychain. This version connects and tests endpoints; runs are trained on this computer."
      onClose={onClose}
    >
      {isOpen && <AddRunpodForm onClose={onClose} />}
    </Dialog>
  )
}

function AddRunpodForm({ onClose }: { readonly onClose: () => void }) {
  const { add, test } = useEndpointActions()
  const { register, handleSubmit, formState } = useForm<AddRunpodInput>({
    resolver: zodResolver(addRunpodInputSchema),
    defaultValues: { name: '', runpodEndpointId: '', apiKey: '' },
  })
  const submit = handleSubmit((input) =>
    add.mutate(input, {
      onSuccess: ({ id }) => {
        test.mutate(id)
        onClose()
      },
    }),
  )
  const { errors } = formState
  return (
    <form className="endpoint-form" onSubmit={(event) => void submit(event)} autoComplete="off">
      <FormField label="Name" error={errors.name?.message}>
        {(field) => <input {...field} {...register('name')} placeholder="A name for this list" />}
      </FormField>
      <FormField label="Endpoint id" hint="The short code in the endpoint's address in the RunPod console." error={errors.runpodEndpointId?.message}>
        {(field) => <input {...field} {...register('runpodEndpointId')} spellCheck={false} />}
      </FormField>
      <FormField label="API key" hint="A restricted key for this endpoint is enough." error={errors.apiKey?.message}>
        {(field) => <input {...field} {...register('apiKey')} type="password" spellCheck={false} />}
      </FormField>
      <p className="endpoint-links">
        <Button size="small" onClick={() => void bridge.invoke('settings.openLink', { link: 'runpod_console' })}>
          Open the RunPod console
        </Button>
        <Button size="small" onClick={() => void bridge.invoke('settings.openLink', { link: 'runpod_api_keys' })}>
          Open RunPod API keys
        </Button>
      </p>
      {add.error !== null && (
        <p role="alert" className="field-error">
          {describeError(add.error)}
        </p>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={add.isPending}>
          Add and test
        </Button>
      </div>
    </form>
  )
}
