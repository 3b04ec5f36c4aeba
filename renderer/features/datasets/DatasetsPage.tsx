import './datasets.css'
import { useNavigate } from '@tanstack/react-router'
import { Database, Import, Sparkles } from 'lucide-react'
import { useState } from 'react'
import type { DatasetStatus } from '../../../preload/contract/datasets.ts'
import { Button } from '../../ui/Button.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { countRows, statusNames } from './dataset-text.ts'
import { DatasetTable } from './DatasetTable.tsx'
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
        <span className="bar-end">
          <SampleMenu />
          <ImportButton />
        </span>
      </div>
      {datasets.data.length === 0 ? (
        <p className="page-note">No dataset matches. Clear the search to see all.</p>
      ) : (
        <DatasetTable datasets={datasets.data} isOld={datasets.isPlaceholderData} />
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

function useOpenSample() {
  const navigate = useNavigate()
  const { importSample } = useDatasetActions()
  const open = (sampleId: string) =>
    importSample.mutate(sampleId, {
      onSuccess: ({ id }) => void navigate({ to: '/datasets/$datasetId', params: { datasetId: id } }),
    })
  return { open, isPending: importSample.isPending }
}

function SampleMenu() {
  const samples = useSamples().data ?? []
  const sample = useOpenSample()
  if (samples.length === 0) return null
  return (
    <Menu
      trigger={
        <Button disabled={sample.isPending}>
          <Sparkles size={14} aria-hidden="true" />
          Samples
        </Button>
      }
      items={samples.map(({ id, title, rows }) => ({ id, label: `${title}, ${countRows(rows)}`, onSelect: () => sample.open(id) }))}
    />
  )
}

function NoDatasets() {
  const samples = useSamples().data ?? []
  const sample = useOpenSample()
  const [first, ...others] = samples
  return (
    <>
      <EmptyState
        icon={<Database size={28} aria-hidden="true" />}
        title="No dataset yet"
        body="Drop files of conversations anywhere on this window: JSON Lines, JSON, CSV, TSV or Parquet. They are checked on this computer; nothing is uploaded."
        action={
          <>
            <ImportButton />
            {first !== undefined && (
              <Button disabled={sample.isPending} onClick={() => sample.open(first.id)}>
                Use the sample dataset
              </Button>
            )}
          </>
        }
      />
      {others.length > 0 && (
        <ul className="sample-list" aria-label="More samples">
          {others.map(({ id, title, description, rows }) => (
            <li key={id} className="card">
              <div>
                <b>{title}</b>
                <span className="field-hint">
                  {countRows(rows)}. {description}
                </span>
              </div>
              <Button size="small" aria-label={`Use the sample ${title}`} disabled={sample.isPending} onClick={() => sample.open(id)}>
                Use
              </Button>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
