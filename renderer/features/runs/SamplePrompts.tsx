import { FormField } from '../../ui/FormField.tsx'

interface SamplePromptsProps {
  readonly text: string
  readonly error: string | null
  readonly onChange: (text: string) => void
}

/** The prompts whose answers show what the run teaches. */
export function SamplePrompts({ text, error, onChange }: SamplePromptsProps) {
  return (
    <fieldset className="advanced-group">
      <legend>Sample prompts</legend>
      <div className="sample-prompts">
        <FormField
          label="One prompt on each line, at most 10"
          hint="The base model answers them before the first step and the model in training at every measurement. Without any, held-out rows are used."
          error={error ?? undefined}
        >
          {(field) => (
            <textarea
              {...field}
              name="sample_prompts"
              rows={4}
              placeholder="Taken from the held-out rows when empty"
              value={text}
              onChange={(event) => onChange(event.target.value)}
            />
          )}
        </FormField>
      </div>
    </fieldset>
  )
}
