import './datasets.css'
import { useMutation } from '@tanstack/react-query'
import { useId, useState, type FormEvent } from 'react'
import type { FilePreview } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatBytes } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ConversationView } from './ConversationView.tsx'
import { shapeNames } from './dataset-text.ts'

interface ImportDialogProps {
  readonly preview: FilePreview | null
  /** Why the chosen file could not even be looked at. */
  readonly problem: string | null
  readonly onClose: () => void
  readonly onImported: (datasetId: string) => void
}

/** Shows what a chosen file is, and imports it only when the user says so. */
export function ImportDialog({ preview, problem, onClose, onImported }: ImportDialogProps) {
  return (
    <Dialog isOpen={preview !== null || problem !== null} title={preview === null ? 'This file cannot be imported' : 'Import this file'} onClose={onClose} width="wide">
      {preview === null ? (
        <>
          <p role="alert">{problem}</p>
          <div className="dialog-actions">
            <Button onClick={onClose}>Close</Button>
          </div>
        </>
      ) : (
        <ImportForm key={preview.token} preview={preview} onClose={onClose} onImported={onImported} />
      )}
    </Dialog>
  )
}

function ImportForm({ preview, onClose, onImported }: { readonly preview: FilePreview; readonly onClose: () => void; readonly onImported: (id: string) => void }) {
  const nameId = useId()
  const [name, setName] = useState(preview.fileName.replace(/\.[^.]+$/, ''))
  const start = useMutation({
    mutationFn: () => bridge.invoke('datasets.import', { token: preview.token, name }),
    onSuccess: ({ id }) => {
      onClose()
      onImported(id)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    start.mutate()
  }
  const isUsable = preview.problem === null
  return (
    <form className="import-form" onSubmit={submit}>
      <dl className="fact-list">
        <Fact label="File" value={preview.fileName} />
        <Fact label="Size" value={formatBytes(preview.sizeBytes)} />
        <Fact label="Shape" value={preview.shape === null ? 'Not recognised' : shapeNames[preview.shape]} />
      </dl>
      <p className="field-hint">{preview.evidence}</p>
      {preview.problem !== null && (
        <p role="alert" className="field-error">
          {preview.problem}
        </p>
      )}
      {preview.existingDatasetId !== null && <p className="field-hint">The same file is imported already. Importing it again makes a second dataset.</p>}
      {preview.firstConversation !== null && (
        <div>
          <h3>First conversation</h3>
          <ConversationView messages={preview.firstConversation} isCompact />
        </div>
      )}
      {isUsable && (
        <div className="import-name">
          <label className="field-label" htmlFor={nameId}>
            Name
          </label>
          <input id={nameId} value={name} maxLength={200} onChange={(event) => setName(event.target.value)} aria-invalid={name.trim() === ''} />
        </div>
      )}
      {start.error !== null && (
        <p role="alert" className="field-error">
          {describeError(start.error)}
        </p>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={!isUsable || name.trim() === '' || start.isPending}>
          Import
        </Button>
      </div>
    </form>
  )
}

function Fact({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  )
}
