import { useState, type FormEvent } from 'react'
import type { ColumnMapping, Dataset } from '../../../preload/contract/datasets.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { isWholeMapping, MappingKind } from './MappingFields.tsx'
import { useDatasetActions } from './queries.ts'

/** Checks an imported table again with other columns. */
export function MappingDialog({ dataset, onClose }: { readonly dataset: Dataset; readonly onClose: () => void }) {
  const [mapping, setMapping] = useState<ColumnMapping>(dataset.mapping ?? { kind: 'text', text: '' })
  const { setMapping: save } = useDatasetActions()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate({ id: dataset.id, mapping }, { onSuccess: onClose })
  }
  return (
    <Dialog isOpen title="Choose other columns" description="The rows are checked again; changes made so far stay." onClose={onClose}>
      <form className="import-form" onSubmit={submit}>
        <MappingKind mapping={mapping} onChange={setMapping} />
        {mapping.kind === 'text' ? (
          <NameField label="Text" value={mapping.text} onChange={(text) => setMapping({ ...mapping, text })} />
        ) : (
          <>
            <NameField
              label="System prompt (optional)"
              value={mapping.system ?? ''}
              onChange={(system) => setMapping({ ...mapping, system: system === '' ? null : system })}
            />
            <NameField label="User" value={mapping.user} onChange={(user) => setMapping({ ...mapping, user })} />
            <NameField label="Assistant" value={mapping.assistant} onChange={(assistant) => setMapping({ ...mapping, assistant })} />
          </>
        )}
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={!isWholeMapping(mapping) || save.isPending}>
            Check again
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function NameField({
  label,
  value,
  onChange,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
}) {
  return (
    <FormField label={label} hint="Name of the column">
      {(field) => <input {...field} value={value} onChange={(event) => onChange(event.target.value)} />}
    </FormField>
  )
}
