import { Link } from '@tanstack/react-router'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatBytes, formatCount } from '../../lib/format.ts'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { DatasetStatusBadge } from './DatasetStatusBadge.tsx'
import { countIssues, describeTask, taskNames } from './dataset-text.ts'

/** Datasets with their state and figures; work that goes on shows in its row. */
export function DatasetTable({ datasets, isOld }: { readonly datasets: readonly Dataset[]; readonly isOld: boolean }) {
  return (
    <div className="table-scroll" role="region" aria-label="Datasets" aria-busy={isOld} tabIndex={0}>
      <table className="data-table dataset-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Status</th>
            <th scope="col" className="number">
              Rows
            </th>
            <th scope="col" className="number">
              Tokens
            </th>
            <th scope="col" className="number">
              Issues
            </th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col">Imported</th>
          </tr>
        </thead>
        <tbody>
          {datasets.map((dataset) => (
            <tr key={dataset.id}>
              <th scope="row" className="dataset-name">
                <Link to="/datasets/$datasetId" params={{ datasetId: dataset.id }} title={`${dataset.name}\n${dataset.fileName}`}>
                  {dataset.name}
                </Link>
              </th>
              <td>
                <DatasetState dataset={dataset} />
              </td>
              <td className="number">{formatCount(dataset.stats?.validRows)}</td>
              <td className="number" title={dataset.tokens === null ? 'Not counted yet' : `with ${dataset.tokens.modelName}`}>
                {formatCount(dataset.tokens?.total)}
              </td>
              <td className="number">{formatCount(countIssues(dataset))}</td>
              <td className="number">{formatBytes(dataset.sizeBytes)}</td>
              <td>
                <RelativeTime atMs={dataset.createdAtMs} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function DatasetState({ dataset }: { readonly dataset: Dataset }) {
  const task = dataset.tasks[0]
  return (
    <span className="dataset-state" title={task === undefined ? undefined : `${taskNames[task.kind]}: ${describeTask(task)}`}>
      <DatasetStatusBadge dataset={dataset} />
      {task !== undefined && <ProgressBar label={`${dataset.name}: ${taskNames[task.kind]}`} value={task.progress} />}
    </span>
  )
}
