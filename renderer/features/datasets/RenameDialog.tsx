import { useState, type FormEvent } from 'react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { useDatasetActions } from './queries.ts'

interface RenameDialogProps {
  readonly dataset: Dataset
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Changes the name and description of a dataset. */
export function RenameDialog({ dataset, isOpen, onClose }: RenameDialogProps) {
  const [name, setName] = useState(dataset.name)
  const [description, setDescription] = useState(dataset.description)
  const { rename } = useDatasetActions()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    rename.mutate({ id: dataset.id, name, description }, { onSuccess: onClose })
  }
  return (
    <Dialog isOpen={isOpen} title="Rename dataset" onClose={onClose}>
      <form className="import-form" onSubmit={submit}>
        <FormField label="Name" error={name.trim() === '' ? 'Give the dataset a name.' : undefined}>
          {(field) => <input {...field} value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />}
        </FormField>
        <FormField label="Description">
          {(field) => (
            <textarea {...field} rows={3} maxLength={2000} value={description} onChange={(event) => setDescription(event.target.value)} />
          )}
        </FormField>
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={name.trim() === '' || rename.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
