import { useState } from 'react'
import { formatCount } from '../../lib/format.ts'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Pager } from '../../ui/Pager.tsx'
import { errorNames } from './dataset-text.ts'
import { useDatasetErrors } from './queries.ts'

const pageSize = 100

/** Every fault with its line, its place in the row, and what to do. */
export function DatasetIssues({ datasetId }: { readonly datasetId: string }) {
  const [offset, setOffset] = useState(0)
  const issues = useDatasetErrors(datasetId, offset, pageSize)
  if (issues.error !== null) return <ErrorNote error={issues.error} />
  if (issues.data === undefined) return <p className="page-note">Reading the issues.</p>
  if (issues.data.total === 0) return <p className="page-note">No issues. Every row can be trained on.</p>
  return (
    <div className="list-page">
      <ul className="issue-counts">
        {issues.data.byCode.map(({ code, count }) => (
          <li key={code}>
            {errorNames[code]} <b>{formatCount(count)}</b>
          </li>
        ))}
      </ul>
      <div className="table-scroll" role="region" aria-label="Issues" tabIndex={0}>
        <table className="data-table issue-table">
          <thead>
            <tr>
              <th scope="col" className="number">
                Line
              </th>
              <th scope="col">Field</th>
              <th scope="col">What is wrong</th>
              <th scope="col">What to do</th>
            </tr>
          </thead>
          <tbody>
            {issues.data.errors.map((issue) => (
              <tr key={`${issue.line}-${issue.pointer}-${issue.code}`}>
                <td className="number">{formatCount(issue.line)}</td>
                <td>
                  <code>{issue.pointer === '' ? 'whole row' : issue.pointer}</code>
                </td>
                <td>{issue.message}</td>
                <td>{issue.suggestion}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager offset={offset} pageSize={pageSize} total={issues.data.total} onChange={setOffset} />
    </div>
  )
}
