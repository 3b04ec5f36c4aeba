import { CircleCheck, CircleX, Info, Scissors, Trash2, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Dataset, RowDetail, Severity, Verdict } from '../../../preload/contract/datasets.ts'
import { Button } from '../../ui/Button.tsx'
import { severityNames } from './dataset-text.ts'
import { useDatasetEdits } from './edits.ts'

const severityIcons: Readonly<Record<Severity, ReactNode>> = {
  error: <CircleX size={14} aria-hidden="true" />,
  warning: <TriangleAlert size={14} aria-hidden="true" />,
  info: <Info size={14} aria-hidden="true" />,
}

/** A severity by shape, word and colour. */
export function SeverityIcon({ severity }: { readonly severity: Severity }) {
  return (
    <span className="severity" data-severity={severity}>
      {severityIcons[severity]}
      <span className="sr-only">{severityNames[severity]}</span>
    </span>
  )
}

/** What is wrong with a row, and the way to its fix. */
export function RowIssues({ detail, onFix }: { readonly detail: RowDetail; readonly onFix: (rule: string) => void }) {
  if (detail.issues.length === 0) return null
  return (
    <ul className="row-issues" aria-label="Issues of this row">
      {detail.issues.map((issue) => (
        <li key={`${issue.rule} ${issue.pointer}`} data-severity={issue.severity}>
          <SeverityIcon severity={issue.severity} />
          <div>
            <p>{issue.message}</p>
            <p className="field-hint">
              <code>{issue.pointer === '' ? 'whole row' : issue.pointer}</code>
              {issue.got !== '' && ` · found ${issue.got}`}
              {issue.expected !== '' && ` · expected ${issue.expected}`}
            </p>
            <p className="field-hint">{issue.suggestion}</p>
          </div>
          {issue.fixLabel !== null && (
            <Button size="small" title={issue.fixLabel} onClick={() => onFix(issue.rule)}>
              Preview fix
            </Button>
          )}
        </li>
      ))}
    </ul>
  )
}

/** Personal data and secrets of a row, each with a way to take it out. */
export function RowFindings({ dataset, detail }: { readonly dataset: Dataset; readonly detail: RowDetail }) {
  const { apply } = useDatasetEdits(dataset)
  if (detail.findings.length === 0) return null
  const flags = [...new Set(detail.findings.map(({ flag }) => flag))]
  return (
    <section className="row-findings" aria-label="Private data and secrets">
      <header>
        <h4>Private data and secrets</h4>
        <Button
          size="small"
          disabled={apply.isPending}
          onClick={() => apply.mutate({ kind: 'redact', flags, choice: { kind: 'rows', rows: [detail.row] } })}
        >
          Redact in this row
        </Button>
      </header>
      <ul>
        {detail.findings.map((finding) => (
          <li key={`${finding.flag} ${finding.pointer} ${finding.text}`}>
            <span>{finding.title}</span>
            <code>{finding.text}</code>
            <code className="field-hint">{finding.pointer}</code>
          </li>
        ))}
      </ul>
    </section>
  )
}

const outcomes: Readonly<Record<Verdict['outcome'], { readonly word: string; readonly icon: ReactNode }>> = {
  kept: { word: 'kept', icon: <CircleCheck size={13} /> },
  truncated: { word: 'cut', icon: <Scissors size={13} /> },
  dropped: { word: 'left out', icon: <Trash2 size={13} /> },
  rejected: { word: 'refused', icon: <CircleX size={13} /> },
}

/** What each trainer or service would do with the row. */
export function RowVerdicts({ detail }: { readonly detail: RowDetail }) {
  if (detail.verdicts.length === 0) return null
  return (
    <section className="row-verdicts" aria-label="What trainers do with this row">
      <h4>What trainers do with this row</h4>
      <ul>
        {detail.verdicts.map((verdict) => (
          <li key={verdict.consumer} data-outcome={verdict.outcome}>
            <span>{verdict.title}</span>
            <span className="verdict">
              <span aria-hidden="true">{outcomes[verdict.outcome].icon}</span>
              {outcomes[verdict.outcome].word}
            </span>
            <span className="field-hint">{verdict.reason}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
