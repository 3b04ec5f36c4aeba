import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { ChangeDiff } from './ChangeDiff.tsx'
import { countRows } from './dataset-text.ts'
import { useDatasetEdits } from './edits.ts'
import { useFixPreview } from './part-queries.ts'

interface FixDialogProps {
  readonly dataset: Dataset
  /** The rule to fix; null keeps the dialog closed. */
  readonly rule: string | null
  readonly onClose: () => void
}

/** Shows what a fix changes, before and after, and applies it only on the button. */
export function FixDialog({ dataset, rule, onClose }: FixDialogProps) {
  const preview = useFixPreview(dataset, rule)
  const { apply } = useDatasetEdits(dataset)
  const { data } = preview
  const confirm = () => {
    if (rule !== null) apply.mutate({ kind: 'fix', rule }, { onSuccess: onClose })
  }
  return (
    <Dialog
      isOpen={rule !== null}
      title={data?.label ?? 'Preview of the fix'}
      description="The source file stays as it is, and the change can be undone."
      onClose={onClose}
      width="full"
    >
      {preview.error !== null && <ErrorNote error={preview.error} onRetry={() => void preview.refetch()} />}
      {preview.error === null && data === undefined && <p className="page-note">Trying the fix.</p>}
      {data !== undefined && (
        <>
          <p>
            Changes {countRows(data.rows)}
            {data.examples.length < data.rows && `; the first ${formatCount(data.examples.length)} are shown`}.
          </p>
          <div className="change-list" role="region" aria-label="Before and after" tabIndex={0}>
            {data.examples.map((change) => (
              <ChangeDiff key={change.row} change={change} />
            ))}
          </div>
        </>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button variant="primary" disabled={data === undefined || data.rows === 0 || apply.isPending} onClick={confirm}>
          {data === undefined ? 'Apply' : `Apply to ${countRows(data.rows)}`}
        </Button>
      </div>
    </Dialog>
  )
}
