import './datasets.css'
import { useMutation } from '@tanstack/react-query'
import { useRef, useState, type FormEvent, type RefObject } from 'react'
import type { FilePreview } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatBytes } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { ConversationView } from './ConversationView.tsx'
import { shapeNames } from './dataset-text.ts'

interface ImportDialogProps {
  readonly preview: FilePreview | null
  /** Why the chosen file could not even be looked at. */
  readonly problem: string | null
  readonly onClose: () => void
  /** Goes to a dataset: the imported one, or the one that has the file already. */
  readonly onOpen: (datasetId: string) => void
}

/** Shows what a chosen file is, and imports it only when the user says so. */
export function ImportDialog({ preview, problem, onClose, onOpen }: ImportDialogProps) {
  const nameField = useRef<HTMLInputElement>(null)
  return (
    <Dialog
      isOpen={preview !== null || problem !== null}
      title={preview === null ? 'This file cannot be imported' : 'Import this file'}
      onClose={onClose}
      width="wide"
      initialFocus={nameField}
    >
      {preview === null ? (
        <>
          <p role="alert">{problem}</p>
          <div className="dialog-actions">
            <Button onClick={onClose}>Close</Button>
          </div>
        </>
      ) : (
        <ImportForm key={preview.token} preview={preview} nameField={nameField} onClose={onClose} onOpen={onOpen} />
      )}
    </Dialog>
  )
}

interface ImportFormProps {
  readonly preview: FilePreview
  readonly nameField: RefObject<HTMLInputElement | null>
  readonly onClose: () => void
  readonly onOpen: (datasetId: string) => void
}

function ImportForm({ preview, nameField, onClose, onOpen }: ImportFormProps) {
  const [name, setName] = useState(preview.fileName.replace(/\.[^.]+$/, ''))
  const start = useMutation({
    mutationFn: () => bridge.invoke('datasets.import', { token: preview.token, name }),
    onSuccess: ({ id }) => {
      onClose()
      onOpen(id)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    start.mutate()
  }
  const isUsable = preview.problem === null
  const existingId = preview.existingDatasetId
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
      {existingId !== null && (
        <div className="dataset-decision">
          <p>The same file is imported already. Importing it again makes a second dataset.</p>
          <Button
            size="small"
            onClick={() => {
              onClose()
              onOpen(existingId)
            }}
          >
            Open the dataset
          </Button>
        </div>
      )}
      {preview.firstConversation !== null && (
        <div>
          <h3>First conversation</h3>
          <ConversationView messages={preview.firstConversation} isCompact />
        </div>
      )}
      {isUsable && (
        <FormField label="Name" error={name.trim() === '' ? 'Give the dataset a name.' : undefined}>
          {(field) => <input {...field} ref={nameField} value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />}
        </FormField>
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
