import type { UseFormReturn } from 'react-hook-form'
import type { BaseModel } from '../../../../preload/contract/models.ts'
import { Button } from '../../../ui/Button.tsx'
import { FormField } from '../../../ui/FormField.tsx'
import type { SetupForm } from './setup-form.ts'

interface NeedFieldsProps {
  readonly form: UseFormReturn<SetupForm>
  readonly models: readonly BaseModel[]
  readonly isAsking: boolean
}

/** What the endpoint is to be good for. */
export function NeedFields({ form: { register, formState, watch }, models, isAsking }: NeedFieldsProps) {
  const { errors } = formState
  const chosen = models.find(({ id }) => id === watch('modelId'))
  return (
    <fieldset className="setup-section">
      <legend>Largest base model</legend>
      <FormField
        label="Base model"
        hint="The GPU and the volume are sized for it; smaller ones fit as well."
        error={errors.modelId?.message}
      >
        {(field) => (
          <select {...field} {...register('modelId')}>
            <option value="">Choose a base model</option>
            {models.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        )}
      </FormField>
      <label className="setup-check">
        <input type="checkbox" {...register('loadIn4bit')} />
        <span>
          Load it in 4 bits
          <span className="field-hint">A smaller GPU is enough; training is slower and a little less exact.</span>
        </span>
      </label>
      <FormField
        label="Network volume in GB"
        hint="Empty takes what the model needs. It can grow later in the RunPod console, never shrink."
        error={errors.volumeGb?.message}
      >
        {(field) => <input {...field} {...register('volumeGb')} inputMode="numeric" className="setup-number" />}
      </FormField>
      {chosen?.isGated === true && (
        <FormField
          label="RunPod secret with a Hugging Face token"
          hint="This model asks for its licence first. Accept it at Hugging Face, keep a token in the RunPod console under Secrets, and write the secret's name here."
          error={errors.hfTokenSecret?.message}
        >
          {(field) => <input {...field} {...register('hfTokenSecret')} spellCheck={false} />}
        </FormField>
      )}
      <div>
        <Button type="submit" disabled={isAsking}>
          {isAsking ? 'Asking RunPod' : 'Look for offers'}
        </Button>
      </div>
    </fieldset>
  )
}
