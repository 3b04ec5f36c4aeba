import './datasets.css'
import { Link, useNavigate } from '@tanstack/react-router'
import { Database, Import } from 'lucide-react'
import { useState } from 'react'
import type { Dataset, DatasetStatus } from '../../../preload/contract/datasets.ts'
import { formatBytes, formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { statusNames } from './dataset-text.ts'
import { DatasetStatusBadge } from './DatasetStatusBadge.tsx'
import { importStore } from './import-store.ts'
import { useDatasetActions, useDatasets, useSamples, type DatasetFilter } from './queries.ts'

const firstFilter: DatasetFilter = { search: '', status: null, sort: 'newest' }

/** Every dataset on this computer. */
export function DatasetsPage() {
  const [filter, setFilter] = useState(firstFilter)
  const datasets = useDatasets(filter)
  if (datasets.error !== null) return <ErrorNote error={datasets.error} onRetry={() => void datasets.refetch()} />
  if (datasets.data === undefined) return <p className="page-note">Reading the datasets.</p>
  const isNarrowed = filter.search !== '' || filter.status !== null
  if (datasets.data.length === 0 && !isNarrowed) return <NoDatasets />
  return (
    <div className="list-page">
      <div className="list-bar">
        <input
          type="search"
          aria-label="Search datasets"
          placeholder="Search datasets"
          value={filter.search}
          onChange={(event) => setFilter({ ...filter, search: event.target.value })}
        />
        <select
          aria-label="Status"
          value={filter.status ?? 'all'}
          onChange={(event) =>
            setFilter({ ...filter, status: event.target.value === 'all' ? null : (event.target.value as DatasetStatus) })
          }
        >
          <option value="all">All statuses</option>
          {Object.entries(statusNames).map(([status, name]) => (
            <option key={status} value={status}>
              {name}
            </option>
          ))}
        </select>
        <select
          aria-label="Sort"
          value={filter.sort}
          onChange={(event) => setFilter({ ...filter, sort: event.target.value as DatasetFilter['sort'] })}
        >
          <option value="newest">Newest first</option>
          <option value="name">By name</option>
          <option value="rows">Most rows first</option>
          <option value="size">Largest first</option>
        </select>
        <ImportButton />
      </div>
      {datasets.data.length === 0 ? (
        <p className="page-note">No dataset matches. Clear the search to see all.</p>
      ) : (
        <DatasetTable datasets={datasets.data} />
      )}
    </div>
  )
}

function ImportButton() {
  return (
    <Button variant="primary" onClick={() => void importStore.getState().pick()}>
      <Import size={14} aria-hidden="true" />
      Import a file
    </Button>
  )
}

function NoDatasets() {
  const navigate = useNavigate()
  const samples = useSamples()
  const { importSample } = useDatasetActions()
  const sample = samples.data?.[0]
  return (
    <EmptyState
      icon={<Database size={28} aria-hidden="true" />}
      title="No dataset yet"
      body="Drop a JSONL file of conversations anywhere on this window. It is checked on this computer; nothing is uploaded."
      action={
        <>
          <ImportButton />
          {sample !== undefined && (
            <Button
              disabled={importSample.isPending}
              onClick={() =>
                importSample.mutate(sample.id, {
                  onSuccess: ({ id }) => void navigate({ to: '/datasets/$datasetId', params: { datasetId: id } }),
                })
              }
            >
              Use the sample dataset
            </Button>
          )}
        </>
      }
    />
  )
}

function DatasetTable({ datasets }: { readonly datasets: readonly Dataset[] }) {
  return (
    <div className="table-scroll" role="region" aria-label="Datasets" tabIndex={0}>
      <table className="data-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Status</th>
            <th scope="col" className="number">
              Rows
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
                <DatasetStatusBadge dataset={dataset} />
              </td>
              <td className="number">{formatCount(dataset.stats?.validRows)}</td>
              <td className="number">{formatCount(dataset.stats?.errors)}</td>
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
