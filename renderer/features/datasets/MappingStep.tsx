import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { ColumnMapping, FilePreview, PreviewRow } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { formatCount } from '../../lib/format.ts'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { ConversationView } from './ConversationView.tsx'
import { isWholeMapping, MappingFields } from './MappingFields.tsx'

interface MappingStepProps {
  readonly file: FilePreview
  readonly mapping: ColumnMapping
  readonly onChange: (mapping: ColumnMapping) => void
}

const rowsShown = 3

/** Chooses which column is which part, with the first rows as they would become. */
export function MappingStep({ file, mapping, onChange }: MappingStepProps) {
  const isWhole = isWholeMapping(mapping)
  const preview = useQuery({
    queryKey: ['mapping-preview', file.token, mapping],
    queryFn: () => bridge.invoke('datasets.previewMapping', { token: file.token, mapping }),
    enabled: isWhole,
    placeholderData: keepPreviousData,
  })
  return (
    <section className="mapping-step" aria-label="Columns and preview">
      <MappingFields mapping={mapping} columns={file.columns ?? []} onChange={onChange} />
      <div className="mapping-preview" aria-live="polite" aria-busy={preview.isPlaceholderData}>
        {!isWhole && <p className="field-hint">Choose the columns to see the first rows.</p>}
        {isWhole && preview.error !== null && <ErrorNote error={preview.error} onRetry={() => void preview.refetch()} />}
        {isWhole && preview.data?.rows.slice(0, rowsShown).map((row) => <MappedRow key={row.line} row={row} />)}
      </div>
    </section>
  )
}

function MappedRow({ row }: { readonly row: PreviewRow }) {
  return (
    <div className="mapped-row">
      <p className="preview-line">Row {formatCount(row.line)}</p>
      {row.problem !== null && <p className="field-error">{row.problem}</p>}
      {row.messages === null ? (
        <p className="row-plain-text">{row.text}</p>
      ) : (
        <ConversationView messages={row.messages} isCompact label={`Row ${formatCount(row.line)}`} />
      )}
    </div>
  )
}
