import './datasets.css'
import './import.css'
import { useMutation } from '@tanstack/react-query'
import { FilePlus2 } from 'lucide-react'
import { useRef, useState, type FormEvent, type RefObject } from 'react'
import { useStore } from 'zustand'
import type { ColumnMapping, FilePreview } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { FileCard } from './FileCard.tsx'
import { importStore } from './import-store.ts'
import { isWholeMapping } from './MappingFields.tsx'
import { MappingStep } from './MappingStep.tsx'

interface ImportDialogProps {
  /** Goes to a dataset: the imported one, or the one that has the file already. */
  readonly onOpen: (datasetId: string) => void
}

/** Shows what the chosen files are, and imports them only when the user says so. */
export function ImportDialog({ onOpen }: ImportDialogProps) {
  const { files, problems, close } = useStore(importStore)
  const nameField = useRef<HTMLInputElement>(null)
  const hasFiles = files.length > 0
  return (
    <Dialog
      isOpen={hasFiles || problems.length > 0}
      title={titleOf(files.length)}
      onClose={close}
      width={hasFiles ? 'full' : 'normal'}
      initialFocus={nameField}
    >
      {problems.map((problem) => (
        <p key={problem} role="alert" className={hasFiles ? 'field-error' : ''}>
          {problem}
        </p>
      ))}
      {hasFiles ? (
        <ImportForm files={files} nameField={nameField} onOpen={onOpen} />
      ) : (
        <div className="dialog-actions">
          <Button onClick={close}>Close</Button>
        </div>
      )}
    </Dialog>
  )
}

function titleOf(files: number): string {
  if (files === 0) return 'This file cannot be imported'
  return files === 1 ? 'Import this file' : `Import ${formatCount(files)} files as one dataset`
}

interface ImportFormProps extends ImportDialogProps {
  readonly files: readonly FilePreview[]
  readonly nameField: RefObject<HTMLInputElement | null>
}

function ImportForm({ files, nameField, onOpen }: ImportFormProps) {
  const { close, pick, isLooking } = useStore(importStore)
  const [typedName, setName] = useState<string | null>(null)
  const [chosenMapping, setMapping] = useState<ColumnMapping | null>(null)
  const name = typedName ?? nameOfFile(files[0]?.fileName ?? '')
  const unmapped = files.find(({ columns }) => columns !== null)
  const mapping =
    unmapped === undefined ? null : (chosenMapping ?? unmapped.suggestedMapping ?? { kind: 'chat', system: null, user: '', assistant: '' })
  const open = (id: string) => {
    close()
    onOpen(id)
  }
  const start = useMutation({
    mutationFn: () => bridge.invoke('datasets.import', { tokens: files.map(({ token }) => token), name, mapping }),
    onSuccess: ({ id }) => open(id),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    start.mutate()
  }
  const isUsable = files.every(({ problem }) => problem === null) && (mapping === null || isWholeMapping(mapping))
  return (
    <form className="import-form" onSubmit={submit}>
      <ol className="file-cards" aria-label="Files">
        {files.map((file, place) => (
          <FileCard key={file.token} file={file} place={place} count={files.length} onOpen={open} />
        ))}
      </ol>
      <div className="import-add">
        <Button size="small" disabled={isLooking} onClick={() => void pick()}>
          <FilePlus2 size={14} aria-hidden="true" />
          Add files
        </Button>
        <span className="field-hint" role="status">
          {isLooking ? 'Looking at the files.' : files.length > 1 ? 'The rows follow each other in this order.' : ''}
        </span>
      </div>
      {unmapped !== undefined && mapping !== null && <MappingStep file={unmapped} mapping={mapping} onChange={setMapping} />}
      <FormField label="Name" error={name.trim() === '' ? 'Give the dataset a name.' : undefined}>
        {(field) => <input {...field} ref={nameField} value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />}
      </FormField>
      {start.error !== null && (
        <p role="alert" className="field-error">
          {describeError(start.error)}
        </p>
      )}
      <div className="dialog-actions">
        <Button onClick={close}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={!isUsable || name.trim() === '' || start.isPending || isLooking}>
          Import
        </Button>
      </div>
    </form>
  )
}

/** `chats.jsonl.gz` becomes `chats`. */
function nameOfFile(fileName: string): string {
  return fileName.replace(/\.(gz|zst)$/i, '').replace(/\.[^.]+$/, '')
}
