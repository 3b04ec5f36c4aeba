import { useMutation } from '@tanstack/react-query'
import { FileDown } from 'lucide-react'
import type { Dataset, ReportFormat } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatBytes } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { useToasts } from '../../ui/Toasts.tsx'
import { reportTexts } from './dataset-text.ts'

/** Writes the report of a dataset in a chosen format. */
export function ReportMenu({ dataset }: { readonly dataset: Dataset }) {
  const report = useReportExport(dataset)
  return (
    <Menu
      trigger={
        <Button disabled={report.isPending}>
          <FileDown size={14} aria-hidden="true" />
          Export report
        </Button>
      }
      items={Object.entries(reportTexts).map(([format, { title, hint }]) => ({
        id: format,
        label: `${title}: ${hint}`,
        onSelect: () => report.mutate(format as ReportFormat),
      }))}
    />
  )
}

/** Asks for a place and writes the report there; closing the dialog is no error. */
export function useReportExport(dataset: Dataset) {
  const toasts = useToasts()
  return useMutation({
    mutationFn: (format: ReportFormat) => bridge.invoke('datasets.exportReport', { id: dataset.id, format }),
    onSuccess: (written) => {
      if (written !== null) toasts.show(`The report is saved as ${written.fileName} (${formatBytes(written.bytes)}).`)
    },
    onError: (error) => toasts.show(describeError(error)),
  })
}
