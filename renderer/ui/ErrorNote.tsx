import './states.css'
import { CircleAlert } from 'lucide-react'
import { useState } from 'react'
import { AppError } from '../../preload/contract/errors.ts'
import { bridge } from '../lib/bridge.ts'
import { describeError } from '../lib/describe-error.ts'
import { Button } from './Button.tsx'

interface ErrorNoteProps {
  readonly error: unknown
  readonly onRetry?: () => void
}

/** Says what failed and what to do; the technical part is behind a disclosure. */
export function ErrorNote({ error, onRetry }: ErrorNoteProps) {
  return (
    <section className="error-note" role="alert">
      <CircleAlert size={16} aria-hidden="true" />
      <div>
        <p>{describeError(error)}</p>
        <details>
          <summary>Details</summary>
          <code>{error instanceof AppError ? error.code : String(error)}</code>
        </details>
      </div>
      <CopyDiagnostics />
      {onRetry !== undefined && <Button onClick={onRetry}>Try again</Button>}
    </section>
  )
}

function CopyDiagnostics() {
  const [label, setLabel] = useState('Copy diagnostics')
  const copy = () => {
    bridge.invoke('settings.copyDiagnostics', {}).then(
      () => setLabel('Copied'),
      () => setLabel('Copying failed'),
    )
  }
  return (
    <Button variant="ghost" onClick={copy}>
      {label}
    </Button>
  )
}
