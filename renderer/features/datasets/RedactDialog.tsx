import { useState, type FormEvent } from 'react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { countRows } from './dataset-text.ts'
import { useOverview } from './part-queries.ts'

interface RedactDialogProps {
  readonly dataset: Dataset
  readonly isOpen: boolean
  readonly rows: number
  /** Kinds that are chosen at first; all when empty. */
  readonly first: readonly string[]
  readonly onClose: () => void
  readonly onRedact: (flags: readonly string[]) => void
}

/** Chooses which findings are replaced by placeholders. */
export function RedactDialog({ dataset, isOpen, rows, first, onClose, onRedact }: RedactDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      title={`Redact in ${countRows(rows)}`}
      description="Each finding is replaced by a placeholder such as [email]. The source file stays as it is, and the change can be undone."
      onClose={onClose}
    >
      {isOpen && <RedactForm dataset={dataset} first={first} onClose={onClose} onRedact={onRedact} />}
    </Dialog>
  )
}

function RedactForm({ dataset, first, onClose, onRedact }: Pick<RedactDialogProps, 'dataset' | 'first' | 'onClose' | 'onRedact'>) {
  const kinds = (useOverview(dataset).data?.flags ?? []).filter(({ group }) => group !== 'quality')
  const [left, setLeft] = useState<ReadonlySet<string>>(
    () =>
      new Set(
        first.some((name) => kinds.some((kind) => kind.name === name))
          ? kinds.map(({ name }) => name).filter((name) => !first.includes(name))
          : [],
      ),
  )
  const chosen = kinds.filter(({ name }) => !left.has(name)).map(({ name }) => name)
  const toggle = (name: string) => {
    const next = new Set(left)
    if (!next.delete(name)) next.add(name)
    setLeft(next)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onRedact(chosen)
  }
  return (
    <form className="import-form" onSubmit={submit}>
      {kinds.length === 0 ? (
        <p className="field-hint">No private data or secrets have been found in this dataset.</p>
      ) : (
        <fieldset className="check-list">
          <legend className="sr-only">Kinds of findings</legend>
          {kinds.map(({ name, title, rows }) => (
            <label key={name}>
              <input type="checkbox" checked={!left.has(name)} onChange={() => toggle(name)} />
              {title}
              <span>{formatCount(rows)} in the dataset</span>
            </label>
          ))}
        </fieldset>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={chosen.length === 0}>
          Redact
        </Button>
      </div>
    </form>
  )
}
