import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { shapeNames } from '../../../preload/contract/dataset-shapes.ts'
import type { FilePreview } from '../../../preload/contract/datasets.ts'
import { formatBytes, formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ConversationView } from './ConversationView.tsx'
import { describeFormat } from './dataset-text.ts'
import { importStore } from './import-store.ts'

interface FileCardProps {
  readonly file: FilePreview
  readonly place: number
  readonly count: number
  readonly onOpen: (datasetId: string) => void
}

/** What one chosen file is, how that was recognised, and its first rows. */
export function FileCard({ file, place, count, onOpen }: FileCardProps) {
  const evidence = [...new Set([...(file.format?.evidence ?? []), file.evidence])].filter((reason) => reason !== '')
  return (
    <li className="card file-card" data-problem={file.problem !== null}>
      <div className="file-card-head">
        <div>
          <h3 title={file.fileName}>
            {count > 1 && <span className="file-place">{formatCount(place + 1)}</span>}
            <span>{file.fileName}</span>
          </h3>
          <p className="file-facts">
            <span>{formatBytes(file.sizeBytes)}</span>
            <span>{describeFormat(file.format)}</span>
            <span>
              {file.shape === null ? (file.columns === null ? 'Shape not recognised' : 'Columns to choose') : shapeNames[file.shape]}
            </span>
          </p>
        </div>
        {count > 1 && <FileButtons file={file} place={place} count={count} />}
      </div>
      {evidence.length > 0 && (
        <ul className="file-evidence" aria-label="How it was recognised">
          {evidence.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {file.problem !== null && (
        <p role="alert" className="field-error">
          {file.problem}
        </p>
      )}
      {file.existingDatasetId !== null && <AlreadyThere datasetId={file.existingDatasetId} onOpen={onOpen} />}
      {file.columns === null && <FirstRows file={file} isOpen={count === 1} />}
    </li>
  )
}

function FileButtons({ file, place, count }: Omit<FileCardProps, 'onOpen'>) {
  const { move, remove } = importStore.getState()
  return (
    <div className="file-buttons">
      <Button size="small" aria-label={`Move ${file.fileName} up`} disabled={place === 0} onClick={() => move(file.token, -1)}>
        <ArrowUp size={13} aria-hidden="true" />
      </Button>
      <Button size="small" aria-label={`Move ${file.fileName} down`} disabled={place === count - 1} onClick={() => move(file.token, 1)}>
        <ArrowDown size={13} aria-hidden="true" />
      </Button>
      <Button size="small" aria-label={`Leave out ${file.fileName}`} title="Leave out" onClick={() => remove(file.token)}>
        <X size={13} aria-hidden="true" />
      </Button>
    </div>
  )
}

function AlreadyThere({ datasetId, onOpen }: { readonly datasetId: string; readonly onOpen: (datasetId: string) => void }) {
  return (
    <div className="dataset-decision">
      <p>The same file is imported already. Importing it again makes a second dataset.</p>
      <Button size="small" onClick={() => onOpen(datasetId)}>
        Open the dataset
      </Button>
    </div>
  )
}

/** The first rows; the first of them as a conversation where it is one. */
function FirstRows({ file, isOpen }: { readonly file: FilePreview; readonly isOpen: boolean }) {
  const { rows, firstConversation } = file
  if (rows.length === 0 && firstConversation === null) return null
  return (
    <details className="file-rows" open={isOpen}>
      <summary>First rows</summary>
      {firstConversation !== null && <ConversationView messages={firstConversation} isCompact label="First conversation" />}
      {rows.length > 0 && (
        <ol className="preview-rows" aria-label={`First rows of ${file.fileName}`} tabIndex={0}>
          {rows.slice(firstConversation === null ? 0 : 1).map((row) => (
            <li key={row.line}>
              <span className="preview-line">{formatCount(row.line)}</span>
              <code>{row.text}</code>
              {row.problem !== null && <span className="field-error">{row.problem}</span>}
            </li>
          ))}
        </ol>
      )}
    </details>
  )
}
