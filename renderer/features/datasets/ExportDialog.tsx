import { useMutation } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { exportLayoutSchema, type Dataset, type ExportLayout } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatBytes, formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { countRows, layoutTexts, splitNames } from './dataset-text.ts'

interface ExportDialogProps {
  readonly dataset: Dataset
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Writes the usable rows in a layout that another program reads. */
export function ExportDialog({ dataset, isOpen, onClose }: ExportDialogProps) {
  return (
    <Dialog isOpen={isOpen} title="Export dataset" description={describeExport(dataset)} onClose={onClose} width="wide">
      {isOpen && <ExportForm dataset={dataset} onClose={onClose} />}
    </Dialog>
  )
}

function describeExport({ stats, split }: Dataset): string {
  const rows = stats === null ? 'The usable rows' : `The ${formatCount(stats.validRows)} usable rows`
  const parts = split === null ? 'in one file' : `in a file for each part: ${Object.values(splitNames).join(', ').toLowerCase()}`
  return `${rows}, with every change made here, ${parts}.`
}

function ExportForm({ dataset, onClose }: Pick<ExportDialogProps, 'dataset' | 'onClose'>) {
  const [layout, setLayout] = useState<ExportLayout>('openai')
  const start = useMutation({ mutationFn: () => bridge.invoke('datasets.export', { id: dataset.id, layout }) })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    start.mutate()
  }
  const written = start.data ?? null
  return (
    <form className="import-form" onSubmit={submit}>
      <fieldset className="choice-list">
        <legend className="sr-only">Layout</legend>
        {exportLayoutSchema.options.map((value) => (
          <label key={value}>
            <input type="radio" name="layout" checked={layout === value} onChange={() => setLayout(value)} />
            {layoutTexts[value].title}
            <span className="field-hint">{layoutTexts[value].hint}</span>
          </label>
        ))}
      </fieldset>
      {written !== null && (
        <div role="status" className="export-done">
          <p>Saved in {written.folder}</p>
          <ul>
            {written.files.map((file) => (
              <li key={file.name}>
                {file.name}: {countRows(file.rows)}, {formatBytes(file.bytes)}
              </li>
            ))}
          </ul>
          {written.refusedRows > 0 && (
            <>
              <p>{countRows(written.refusedRows)} left out, which this layout cannot hold:</p>
              <ul>
                {written.refusedReasons.map(({ reason, rows }) => (
                  <li key={reason}>
                    {countRows(rows)}: {reason}
                  </li>
                ))}
              </ul>
            </>
          )}
        </div>
      )}
      {start.error !== null && (
        <p role="alert" className="field-error">
          {describeError(start.error)}
        </p>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>{written === null ? 'Cancel' : 'Close'}</Button>
        <Button type="submit" variant="primary" disabled={start.isPending}>
          {start.isPending ? 'Exporting' : 'Choose folder and export'}
        </Button>
      </div>
    </form>
  )
}
