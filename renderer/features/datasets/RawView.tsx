import { useMemo, useState } from 'react'
import type { Dataset, RowDetail } from '../../../preload/contract/datasets.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { useDatasetEdits } from './edits.ts'
import { compactJson, findJsonProblem, indentJson } from './json-text.ts'
import { useRowView } from './row-view-store.ts'

/** The JSON of a row, to read and to correct; the source file stays as it is. */
export function RawView({ dataset, detail }: { readonly dataset: Dataset; readonly detail: RowDetail }) {
  const [view, change] = useRowView(dataset.id)
  const { apply } = useDatasetEdits(dataset)
  const [isTried, setTried] = useState(false)
  const source = useMemo(() => indentJson(detail.raw), [detail.raw])
  const draft = view.drafts[detail.row]
  const text = draft ?? source
  const problem = draft === undefined ? null : findJsonProblem(draft)
  const keepDraft = (next: string | undefined) => {
    const { [detail.row]: _old, ...others } = view.drafts
    change({ drafts: next === undefined ? others : { ...others, [detail.row]: next } })
  }
  const save = () => {
    setTried(true)
    if (draft === undefined || problem !== null) return
    apply.mutate({ kind: 'replace', row: detail.row, text: compactJson(draft) }, { onSuccess: () => keepDraft(undefined) })
  }
  const refused = apply.error === null || apply.variables?.kind !== 'replace' ? null : describeError(apply.error)
  const shownProblem = isTried || problem !== null ? (problem ?? refused) : null
  return (
    <div className="raw-view">
      {detail.isRawCut && <p className="field-hint">The row is longer than can be shown here, so it cannot be edited here.</p>}
      <textarea
        aria-label="JSON of the row"
        aria-invalid={shownProblem !== null}
        aria-describedby="raw-problem"
        spellCheck={false}
        readOnly={detail.isRawCut}
        value={text}
        onChange={(event) => keepDraft(event.target.value === source ? undefined : event.target.value)}
      />
      <p id="raw-problem" className="field-error" role="status">
        {shownProblem}
      </p>
      <div className="raw-actions">
        {draft !== undefined && <span className="field-hint">Changed, not saved</span>}
        <Button size="small" disabled={draft === undefined} onClick={() => keepDraft(undefined)}>
          Discard
        </Button>
        <Button size="small" variant="primary" disabled={draft === undefined || problem !== null || apply.isPending} onClick={save}>
          Save row
        </Button>
      </div>
    </div>
  )
}
