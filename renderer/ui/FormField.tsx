import './form-field.css'
import { useId, type ReactNode } from 'react'

interface FormFieldProps {
  readonly label: string
  readonly hint?: string
  readonly error?: string | undefined
  /** Draws the control with the attributes that tie it to its label and message. */
  readonly children: (field: { id: string; 'aria-invalid': boolean; 'aria-describedby'?: string }) => ReactNode
}

/** A labelled control with its hint and, at the same place, its error. */
export function FormField({ label, hint, error, children }: FormFieldProps) {
  const id = useId()
  const messageId = `${id}-message`
  const message = error ?? hint
  return (
    <div className="form-field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      {children({ id, 'aria-invalid': error !== undefined, ...(message === undefined ? {} : { 'aria-describedby': messageId }) })}
      {message !== undefined && (
        <p id={messageId} className={error === undefined ? 'field-hint' : 'field-error'}>
          {message}
        </p>
      )}
    </div>
  )
}
