import './datasets.css'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Tabs } from '../../ui/Tabs.tsx'
import { DatasetDuplicates } from './DatasetDuplicates.tsx'
import { DatasetHead } from './DatasetHead.tsx'
import { DatasetIssues } from './DatasetIssues.tsx'
import { DatasetOverview } from './DatasetOverview.tsx'
import { DatasetSplits } from './DatasetSplits.tsx'
import { DatasetTokens } from './DatasetTokens.tsx'
import { DatasetVersions } from './DatasetVersions.tsx'
import { tabOf, type DatasetTab } from './dataset-tabs.ts'
import { countIssues } from './dataset-text.ts'
import { useDataset, useDatasetActions } from './queries.ts'
import { RowsDecision } from './RowsDecision.tsx'
import { RowsTab } from './RowsTab.tsx'
import { TaskList } from './TaskList.tsx'

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
  const { tab = 'overview' } = useSearch({ from: '/datasets/$datasetId' })
  const isUnreadable = dataset.errorMessage !== null && dataset.stats === null
  return (
    // The row browser fills the window; every other part scrolls with the page.
    <div className="dataset-page" data-fill={tab === 'rows'}>
      <DatasetHead dataset={dataset} />
      <TaskList dataset={dataset} />
      {isUnreadable && <ErrorBanner dataset={dataset} text={dataset.errorMessage ?? ''} />}
      {(tab === 'overview' || tab === 'issues') && <RowsDecision dataset={dataset} />}
      {!isUnreadable && (
        <Tabs
          label="Parts of the dataset"
          value={tab}
          onChange={(next) => void navigate({ to: '.', search: { tab: tabOf(next) }, replace: true })}
          tabs={listTabs(dataset)}
        />
      )}
    </div>
  )
}

function listTabs(dataset: Dataset): readonly { readonly id: DatasetTab; readonly title: string; readonly content: ReactNode }[] {
  const { stats } = dataset
  const issues = countIssues(dataset)
  const untilChecked = (content: ReactNode) => (stats === null ? <p className="page-note">Ready once the rows are checked.</p> : content)
  return [
    {
      id: 'overview',
      title: 'Overview',
      content: stats === null ? untilChecked(null) : <DatasetOverview dataset={dataset} stats={stats} />,
    },
    { id: 'rows', title: 'Rows', content: <RowsTab dataset={dataset} /> },
    {
      id: 'issues',
      title: issues === null || issues === 0 ? 'Issues' : `Issues ${formatCount(issues)}`,
      content: untilChecked(<DatasetIssues dataset={dataset} />),
    },
    { id: 'tokens', title: 'Tokens', content: untilChecked(<DatasetTokens dataset={dataset} />) },
    { id: 'duplicates', title: 'Duplicates', content: untilChecked(<DatasetDuplicates dataset={dataset} />) },
    { id: 'splits', title: 'Splits', content: untilChecked(<DatasetSplits dataset={dataset} />) },
    { id: 'versions', title: 'Versions', content: <DatasetVersions dataset={dataset} /> },
  ]
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
