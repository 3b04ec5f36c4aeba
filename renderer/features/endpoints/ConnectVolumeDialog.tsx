import { zodResolver } from '@hookform/resolvers/zod'
import { useForm } from 'react-hook-form'
import { connectStorageInputSchema, type ConnectStorageInput, type Endpoint } from '../../../preload/contract/endpoints.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { useEndpointActions } from './queries.ts'

interface ConnectVolumeDialogProps {
  readonly endpoint: Endpoint
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Reaches an endpoint's network volume with S3 keys, so that files need no worker. */
export function ConnectVolumeDialog({ endpoint, isOpen, onClose }: ConnectVolumeDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      title={`Connect the network volume of “${endpoint.name}”`}
      description="Datasets and adapters then travel straight to and from the volume, without a worker that is charged. The keys are made in the RunPod console under Settings, S3 API Keys, and shown there once."
      onClose={onClose}
    >
      {isOpen && <ConnectVolumeForm endpoint={endpoint} onClose={onClose} />}
    </Dialog>
  )
}

function ConnectVolumeForm({ endpoint, onClose }: Omit<ConnectVolumeDialogProps, 'isOpen'>) {
  const { connectStorage } = useEndpointActions()
  const { register, handleSubmit, formState } = useForm<ConnectStorageInput>({
    resolver: zodResolver(connectStorageInputSchema),
    defaultValues: {
      id: endpoint.id,
      volumeId: endpoint.remote?.volumeId ?? '',
      dataCentreId: endpoint.remote?.dataCentreId ?? '',
      accessKeyId: '',
      secret: '',
    },
  })
  const submit = handleSubmit((input) => connectStorage.mutate(input, { onSuccess: onClose }))
  const { errors } = formState
  return (
    <form className="endpoint-form" onSubmit={(event) => void submit(event)} autoComplete="off">
      <FormField label="Network volume" error={errors.volumeId?.message}>
        {(field) => <input {...field} {...register('volumeId')} spellCheck={false} />}
      </FormField>
      <FormField label="Data centre" hint="For example EU-RO-1" error={errors.dataCentreId?.message}>
        {(field) => <input {...field} {...register('dataCentreId')} spellCheck={false} />}
      </FormField>
      <FormField label="Access key id" hint="It begins with user_" error={errors.accessKeyId?.message}>
        {(field) => <input {...field} {...register('accessKeyId')} spellCheck={false} />}
      </FormField>
      <FormField label="Secret" hint="It begins with rps_" error={errors.secret?.message}>
        {(field) => <input {...field} {...register('secret')} type="password" spellCheck={false} />}
      </FormField>
      {connectStorage.error !== null && (
        <p role="alert" className="field-error">
          {describeError(connectStorage.error)}
        </p>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={connectStorage.isPending}>
          {connectStorage.isPending ? 'Trying the keys' : 'Connect'}
        </Button>
      </div>
    </form>
  )
}
