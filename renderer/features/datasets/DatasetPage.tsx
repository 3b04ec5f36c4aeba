import './datasets.css'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Pencil, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { Tabs } from '../../ui/Tabs.tsx'
import { DatasetIssues } from './DatasetIssues.tsx'
import { DatasetOverview } from './DatasetOverview.tsx'
import { DatasetRows } from './DatasetRows.tsx'
import { DatasetStatusBadge } from './DatasetStatusBadge.tsx'
import { statusNames } from './dataset-text.ts'
import { useDataset, useDatasetActions } from './queries.ts'
import { RenameDialog } from './RenameDialog.tsx'
import { RowsDecision } from './RowsDecision.tsx'

/** One dataset: what it holds, what is wrong with it, and the way to train on it. */
export function DatasetPage() {
  const { datasetId } = useParams({ from: '/datasets/$datasetId' })
  const dataset = useDataset(datasetId)
  if (dataset.data === undefined) {
    return dataset.error === null ? (
      <p className="page-note">Reading the dataset.</p>
    ) : (
      <ErrorNote error={dataset.error} onRetry={() => void dataset.refetch()} />
    )
  }
  return <DatasetView dataset={dataset.data} />
}

function DatasetView({ dataset }: { readonly dataset: Dataset }) {
  const navigate = useNavigate()
  const { tab } = useSearch({ from: '/datasets/$datasetId' })
  const isWorking = dataset.status === 'importing' || dataset.status === 'validating'
  const issues = dataset.stats?.errors ?? 0
  return (
    <div className="dataset-page">
      <DatasetHead dataset={dataset} />
      {isWorking && <ProgressBar label={statusNames[dataset.status]} value={dataset.progress} />}
      {dataset.errorMessage !== null && dataset.stats === null && <ErrorBanner dataset={dataset} text={dataset.errorMessage} />}
      <RowsDecision dataset={dataset} />
      {dataset.stats !== null && (
        <Tabs
          label="Parts of the dataset"
          value={tab ?? 'overview'}
          onChange={(next) => void navigate({ to: '.', search: { tab: next as 'overview' | 'rows' | 'issues' }, replace: true })}
          tabs={[
            { id: 'overview', title: 'Overview', content: <DatasetOverview dataset={dataset} stats={dataset.stats} /> },
            { id: 'rows', title: 'Rows', content: <DatasetRows datasetId={dataset.id} /> },
            {
              id: 'issues',
              title: issues === 0 ? 'Issues' : `Issues ${formatCount(issues)}`,
              content: <DatasetIssues datasetId={dataset.id} />,
            },
          ]}
        />
      )}
    </div>
  )
}

function DatasetHead({ dataset }: { readonly dataset: Dataset }) {
  const navigate = useNavigate()
  const [isRenaming, setRenaming] = useState(false)
  const { remove } = useDatasetActions()
  return (
    <header className="dataset-head">
      <div>
        <h2 title={dataset.name}>{dataset.name}</h2>
        <p>
          <DatasetStatusBadge dataset={dataset} />
          {dataset.stats !== null && <span>{formatCount(dataset.stats.validRows)} usable rows</span>}
          {dataset.stats !== null && <span>≈ {formatCount(dataset.stats.tokensEstimate)} tokens (characters ÷ 4)</span>}
        </p>
        {dataset.description !== '' && <p>{dataset.description}</p>}
      </div>
      <div className="dataset-actions">
        <Button onClick={() => setRenaming(true)} aria-label="Rename dataset" title="Rename dataset">
          <Pencil size={14} aria-hidden="true" />
        </Button>
        <Button
          onClick={() => remove.mutate(dataset, { onSuccess: () => void navigate({ to: '/datasets' }) })}
          aria-label="Delete dataset"
          title="Delete dataset"
        >
          <Trash2 size={14} aria-hidden="true" />
        </Button>
        <Button
          variant="primary"
          disabled={!dataset.isTrainable}
          onClick={() => void navigate({ to: '/runs/new', search: { dataset: dataset.id } })}
        >
          Train on it
        </Button>
      </div>
      <RenameDialog key={dataset.updatedAtMs} dataset={dataset} isOpen={isRenaming} onClose={() => setRenaming(false)} />
    </header>
  )
}

function ErrorBanner({ dataset, text }: { readonly dataset: Dataset; readonly text: string }) {
  const { validateAgain } = useDatasetActions()
  return (
    <div role="alert" className="dataset-banner">
      <p>{text}</p>
      <Button onClick={() => validateAgain.mutate(dataset.id)} disabled={validateAgain.isPending}>
        Check again
      </Button>
    </div>
  )
}
