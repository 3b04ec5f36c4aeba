import './issues.css'
import { ChevronRight, CircleCheck } from 'lucide-react'
import { useState } from 'react'
import type { Dataset, IssueGroup, Severity } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { countRows, severityPlurals } from './dataset-text.ts'
import { useDatasetEdits } from './edits.ts'
import { FixDialog } from './FixDialog.tsx'
import { IssueExamples } from './IssueExamples.tsx'
import { useIssueGroups } from './part-queries.ts'
import { ReportMenu } from './ReportMenu.tsx'
import { SeverityIcon } from './RowNotes.tsx'
import { emptyFilter } from './row-view-store.ts'
import { useShowRows } from './use-show-rows.ts'

type Shown = Severity | 'all'
const order: readonly Severity[] = ['error', 'warning', 'info']

/** Every kind of fault with its count, examples, and what can be done about it. */
export function DatasetIssues({ dataset }: { readonly dataset: Dataset }) {
  const [shown, setShown] = useState<Shown>('all')
  const [fixRule, setFixRule] = useState<string | null>(null)
  const groups = useIssueGroups(dataset)
  if (groups.error !== null) return <ErrorNote error={groups.error} onRetry={() => void groups.refetch()} />
  if (groups.data === undefined) return <p className="page-note">Reading the issues.</p>
  if (groups.data.length === 0) {
    return (
      <p className="page-note issues-none">
        <CircleCheck size={16} aria-hidden="true" />
        No issues. Every row can be trained on.
      </p>
    )
  }
  const sorted = groups.data.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity) || b.rows - a.rows)
  const counts = new Map(order.map((severity) => [severity, sorted.filter((group) => group.severity === severity).length]))
  return (
    <div className="list-page">
      <div className="list-bar">
        <SegmentedControl<Shown>
          label="Severity"
          options={[
            { value: 'all', title: `All ${formatCount(sorted.length)}` },
            ...order.map((severity) => ({ value: severity, title: `${severityPlurals[severity]} ${formatCount(counts.get(severity))}` })),
          ]}
          value={shown}
          onChange={setShown}
        />
        <span className="bar-end">
          <ReportMenu dataset={dataset} />
        </span>
      </div>
      <section className="issue-groups" aria-label="Issues">
        <ul>
          {sorted
            .filter((group) => shown === 'all' || group.severity === shown)
            .map((group) => (
              <IssueGroupItem key={group.rule} dataset={dataset} group={group} onFix={() => setFixRule(group.rule)} />
            ))}
        </ul>
      </section>
      <FixDialog dataset={dataset} rule={fixRule} onClose={() => setFixRule(null)} />
    </div>
  )
}

interface IssueGroupItemProps {
  readonly dataset: Dataset
  readonly group: IssueGroup
  readonly onFix: () => void
}

function IssueGroupItem({ dataset, group, onFix }: IssueGroupItemProps) {
  const [isOpen, setOpen] = useState(false)
  const showRows = useShowRows(dataset.id)
  const { apply } = useDatasetEdits(dataset)
  const conditions = { rules: [group.rule] }
  return (
    <li className="issue-group" data-open={isOpen}>
      <div className="issue-group-head">
        <button type="button" className="issue-group-title" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <ChevronRight size={14} aria-hidden="true" />
          <SeverityIcon severity={group.severity} />
          <span>{group.title}</span>
        </button>
        <span className="issue-group-count">
          {countRows(group.rows)}
          {group.count !== group.rows && `, ${formatCount(group.count)} times`}
          {group.firstLine !== null && <span> · first at line {formatCount(group.firstLine)}</span>}
        </span>
        <span className="issue-group-actions">
          {group.fixLabel !== null && (
            <Button size="small" title={group.fixLabel} aria-label={`Preview fix: ${group.title}`} onClick={onFix}>
              Preview fix
            </Button>
          )}
          <Button size="small" aria-label={`Show rows: ${group.title}`} disabled={group.rows === 0} onClick={() => showRows(conditions)}>
            Show rows
          </Button>
          <Button
            size="small"
            aria-label={`Drop rows: ${group.title}, ${countRows(group.rows)}`}
            disabled={group.rows === 0 || apply.isPending}
            onClick={() => apply.mutate({ kind: 'drop', choice: { kind: 'filter', filter: { ...emptyFilter, ...conditions } } })}
          >
            Drop rows
          </Button>
        </span>
      </div>
      {isOpen && (
        <div className="issue-group-body">
          <p>{group.advice}</p>
          {group.fixLabel !== null && <p className="field-hint">Fix: {group.fixLabel}</p>}
          <IssueExamples dataset={dataset} group={group} />
        </div>
      )}
    </li>
  )
}
