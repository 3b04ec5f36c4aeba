import { ExternalLink } from 'lucide-react'
import type { UseFormReturn } from 'react-hook-form'
import { Button } from '../../../ui/Button.tsx'
import { FormField } from '../../../ui/FormField.tsx'
import { SegmentedControl } from '../../../ui/SegmentedControl.tsx'
import { useEndpointActions } from '../queries.ts'
import type { SetupForm } from './setup-form.ts'

interface AccountFieldsProps {
  readonly form: UseFormReturn<SetupForm>
}

/** Whose account it is made in, and where its worker comes from. */
export function AccountFields({ form: { register, formState, watch, setValue } }: AccountFieldsProps) {
  const { openLink } = useEndpointActions()
  const { errors } = formState
  const worker = watch('worker')
  return (
    <fieldset className="setup-section">
      <legend>Account and worker</legend>
      <FormField label="Name" error={errors.name?.message}>
        {(field) => <input {...field} {...register('name')} placeholder="For example: Studio" />}
      </FormField>
      <FormField
        label="API key"
        hint="It needs write access to endpoints, templates and network volumes, because the app makes them."
        error={errors.apiKey?.message}
      >
        {(field) => <input {...field} {...register('apiKey')} type="password" spellCheck={false} />}
      </FormField>
      <div className="form-field">
        <span className="field-label">Worker</span>
        <SegmentedControl
          label="Worker"
          value={worker}
          onChange={(value) => setValue('worker', value, { shouldValidate: formState.isSubmitted })}
          options={[
            { value: 'stock', title: 'From this app' },
            { value: 'own', title: 'My own image' },
          ]}
        />
        <p className="field-hint">
          {worker === 'stock'
            ? 'The app puts its worker on the volume and starts it on a public PyTorch image. For that it needs S3 keys.'
            : 'An image you have built with trainer/image/Dockerfile and pushed to a registry. S3 keys are then optional, and make transfers free.'}
        </p>
      </div>
      {worker === 'own' && (
        <FormField label="Image" hint="For example docker.io/you/tunesmith-trainer:0.1.0" error={errors.imageRef?.message}>
          {(field) => <input {...field} {...register('imageRef')} spellCheck={false} />}
        </FormField>
      )}
      <div className="setup-pair">
        <FormField label="S3 access key id" hint="It begins with user_" error={errors.accessKeyId?.message}>
          {(field) => <input {...field} {...register('accessKeyId')} spellCheck={false} />}
        </FormField>
        <FormField label="S3 secret" hint="It begins with rps_" error={errors.secret?.message}>
          {(field) => <input {...field} {...register('secret')} type="password" spellCheck={false} />}
        </FormField>
      </div>
      <p className="endpoint-links">
        <Button size="small" variant="ghost" onClick={() => openLink.mutate('runpod_api_keys')}>
          <ExternalLink size={13} aria-hidden="true" />
          Where to make both keys
        </Button>
      </p>
    </fieldset>
  )
}
