import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Dataset, IssueGroup, RowIssue } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Pager } from '../../ui/Pager.tsx'
import { useIssueExamples } from './part-queries.ts'
import { emptyFilter, narrowRows, rowViewStore } from './row-view-store.ts'

const pageSize = 10

/** Places where a fault occurs, with what stands there and what should. */
export function IssueExamples({ dataset, group }: { readonly dataset: Dataset; readonly group: IssueGroup }) {
  const [offset, setOffset] = useState(0)
  const examples = useIssueExamples(dataset, group.rule, offset, pageSize)
  const openRow = useOpenRow(dataset)
  if (examples.error !== null) return <ErrorNote error={examples.error} onRetry={() => void examples.refetch()} />
  if (examples.data === undefined) return <p className="field-hint">Reading the examples.</p>
  const { total } = examples.data
  return (
    <>
      <div className="table-scroll" role="region" aria-label={`Examples: ${group.title}`} tabIndex={0}>
        <table className="data-table issue-table">
          <thead>
            <tr>
              <th scope="col" className="number">
                Line
              </th>
              <th scope="col">Field</th>
              <th scope="col">What is wrong</th>
              <th scope="col">Found</th>
              <th scope="col">Expected</th>
              <th scope="col">
                <span className="sr-only">Action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {examples.data.examples.map((issue) => (
              <ExampleRow key={`${issue.row} ${issue.pointer}`} issue={issue} onOpen={() => openRow(issue)} />
            ))}
          </tbody>
        </table>
      </div>
      {total < group.count && (
        <p className="field-hint">
          {formatCount(total)} of {formatCount(group.count)} are kept as examples. Show rows lists them all.
        </p>
      )}
      <Pager offset={offset} pageSize={pageSize} total={total} onChange={setOffset} />
    </>
  )
}

function ExampleRow({ issue, onOpen }: { readonly issue: RowIssue; readonly onOpen: () => void }) {
  return (
    <tr>
      <td className="number">{formatCount(issue.line)}</td>
      <td>
        <code>{issue.pointer === '' ? 'whole row' : issue.pointer}</code>
      </td>
      <td>
        {issue.message}
        <span className="field-hint">{issue.suggestion}</span>
      </td>
      <td>
        <code>{issue.got === '' ? '–' : issue.got}</code>
      </td>
      <td>{issue.expected === '' ? '–' : issue.expected}</td>
      <td>
        <Button size="small" aria-label={`Open line ${formatCount(issue.line)}`} onClick={onOpen}>
          Open
        </Button>
      </td>
    </tr>
  )
}

/** Opens the row browser on one row: without a filter and in file order its place is its number. */
function useOpenRow(dataset: Dataset): (issue: RowIssue) => void {
  const navigate = useNavigate()
  return ({ row }) => {
    narrowRows(dataset.id, { filter: emptyFilter, sort: { by: 'line', descending: false } })
    rowViewStore.getState().change(dataset.id, { current: row })
    void navigate({ to: '.', search: { tab: 'rows' }, replace: true })
  }
}
