import { useState, type ReactNode } from 'react'
import { shapeNames } from '../../../preload/contract/dataset-shapes.ts'
import type { Dataset, RowDetail } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { ConversationView } from './ConversationView.tsx'
import { splitNames } from './dataset-text.ts'
import { useDatasetEdits } from './edits.ts'
import { FixDialog } from './FixDialog.tsx'
import { RawView } from './RawView.tsx'
import { RowFindings, RowIssues, RowVerdicts } from './RowNotes.tsx'
import { useRowDetail } from './row-queries.ts'
import { useRowView, type RowViewMode } from './row-view-store.ts'
import { TokenView } from './TokenView.tsx'

const modes: readonly { readonly value: RowViewMode; readonly title: string }[] = [
  { value: 'conversation', title: 'Conversation' },
  { value: 'model', title: 'As the model sees it' },
  { value: 'raw', title: 'Raw' },
]

/** The current row: what it says, what a model makes of it, what is wrong with it. */
export function RowDetailPane({ dataset, row }: { readonly dataset: Dataset; readonly row: number | undefined }) {
  const detail = useRowDetail(dataset, row)
  if (detail.error !== null)
    return <DetailFrame label="Row">{<ErrorNote error={detail.error} onRetry={() => void detail.refetch()} />}</DetailFrame>
  if (detail.data === undefined) {
    return (
      <DetailFrame label="Row">
        <p className="page-note">Reading the row.</p>
      </DetailFrame>
    )
  }
  return <DetailView dataset={dataset} detail={detail.data} />
}

// Enter in the list puts the keyboard here; Escape puts it back.
function DetailFrame({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <section className="row-detail" aria-label={label} tabIndex={-1}>
      {children}
    </section>
  )
}

function DetailView({ dataset, detail }: { readonly dataset: Dataset; readonly detail: RowDetail }) {
  const [view, change] = useRowView(dataset.id)
  const [fixRule, setFixRule] = useState<string | null>(null)
  return (
    <DetailFrame label={`Line ${formatCount(detail.line)}`}>
      <DetailHead dataset={dataset} detail={detail} />
      <SegmentedControl label="How the row is shown" options={modes} value={view.mode} onChange={(mode) => change({ mode })} />
      <div className="row-detail-body">
        <RowIssues detail={detail} onFix={setFixRule} />
        {view.mode === 'conversation' && <ConversationPart detail={detail} />}
        {view.mode === 'model' && <TokenView dataset={dataset} row={detail.row} />}
        {view.mode === 'raw' && <RawView key={detail.row} dataset={dataset} detail={detail} />}
        <RowFindings dataset={dataset} detail={detail} />
        <RowVerdicts detail={detail} />
      </div>
      <FixDialog dataset={dataset} rule={fixRule} onClose={() => setFixRule(null)} />
    </DetailFrame>
  )
}

function DetailHead({ dataset, detail }: { readonly dataset: Dataset; readonly detail: RowDetail }) {
  const { apply } = useDatasetEdits(dataset)
  const isDropped = detail.state === 'dropped'
  const facts = [
    detail.shape === null ? null : shapeNames[detail.shape],
    detail.split === null ? null : splitNames[detail.split],
    detail.state === 'edited' ? 'edited' : null,
    isDropped ? 'dropped' : null,
  ].filter((fact) => fact !== null)
  return (
    <header className="row-detail-head">
      <div>
        <h3>Line {formatCount(detail.line)}</h3>
        <p title={detail.fileName}>
          {detail.fileName}
          {facts.length > 0 && ` · ${facts.join(' · ')}`}
        </p>
      </div>
      <Button
        size="small"
        disabled={apply.isPending}
        onClick={() => apply.mutate({ kind: isDropped ? 'restore' : 'drop', choice: { kind: 'rows', rows: [detail.row] } })}
      >
        {isDropped ? 'Restore row' : 'Drop row'}
      </Button>
    </header>
  )
}

function ConversationPart({ detail }: { readonly detail: RowDetail }) {
  const isEmpty = detail.messages.length === 0 && detail.text === null
  return (
    <>
      {isEmpty && <p className="field-hint">No conversation could be read from this row. Raw shows its text.</p>}
      {detail.toolsJson !== null && (
        <details className="row-tools">
          <summary>Tools the model may call</summary>
          <pre>{detail.toolsJson}</pre>
        </details>
      )}
      {detail.text !== null && (
        <p className="row-plain-text" dir="auto">
          {detail.text}
        </p>
      )}
      {detail.messages.length > 0 && <ConversationView key={detail.row} messages={detail.messages} />}
      {detail.rejected !== null && (
        <div>
          <h4>Rejected answer</h4>
          <ConversationView messages={detail.rejected} label="Rejected answer" />
        </div>
      )}
    </>
  )
}
