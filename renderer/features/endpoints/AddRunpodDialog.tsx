import { zodResolver } from '@hookform/resolvers/zod'
import { ExternalLink, Sparkles } from 'lucide-react'
import { Link } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { addRunpodInputSchema, type AddRunpodInput } from '../../../preload/contract/endpoints.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { useEndpointActions, useKeychainStatus } from './queries.ts'

interface AddRunpodDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Connects an endpoint the user already has. */
export function AddRunpodDialog({ isOpen, onClose }: AddRunpodDialogProps) {
  const keychain = useKeychainStatus()
  return (
    <Dialog isOpen={isOpen} title="Add a RunPod endpoint" description={keychain.data?.message ?? ''} onClose={onClose}>
      <Link to="/endpoints/new" className="endpoint-door" onClick={onClose}>
        <Sparkles size={16} aria-hidden="true" />
        <span>
          <b>Create one for me</b>
          <span className="field-hint">The app chooses with you, shows what it costs, and makes volume, template and endpoint.</span>
        </span>
      </Link>
      <h3 className="endpoint-door-title">I have an endpoint</h3>
      {isOpen && <AddRunpodForm onClose={onClose} />}
    </Dialog>
  )
}

function AddRunpodForm({ onClose }: { readonly onClose: () => void }) {
  const { add, test, openLink } = useEndpointActions()
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
  const failure = add.error ?? openLink.error
  return (
    <form className="endpoint-form" onSubmit={(event) => void submit(event)} autoComplete="off">
      <FormField label="Name" error={errors.name?.message}>
        {(field) => <input {...field} {...register('name')} placeholder="For example: Team A100" />}
      </FormField>
      <FormField
        label="Endpoint id"
        hint="The short code in the endpoint's address in the RunPod console."
        error={errors.runpodEndpointId?.message}
      >
        {(field) => <input {...field} {...register('runpodEndpointId')} spellCheck={false} />}
      </FormField>
      <FormField label="API key" hint="A key restricted to this endpoint is enough." error={errors.apiKey?.message}>
        {(field) => <input {...field} {...register('apiKey')} type="password" spellCheck={false} />}
      </FormField>
      <p className="endpoint-links">
        <Button size="small" variant="ghost" onClick={() => openLink.mutate('runpod_console')}>
          <ExternalLink size={13} aria-hidden="true" />
          Where the id is
        </Button>
        <Button size="small" variant="ghost" onClick={() => openLink.mutate('runpod_api_keys')}>
          <ExternalLink size={13} aria-hidden="true" />
          Where to make a key
        </Button>
      </p>
      {failure !== null && (
        <p role="alert" className="field-error">
          {describeError(failure)}
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
