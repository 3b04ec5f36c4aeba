import { Link, useNavigate } from '@tanstack/react-router'
import { Ellipsis, Redo2, Undo2 } from 'lucide-react'
import { useState } from 'react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { shortcutText } from '../../lib/shortcuts.ts'
import { Button } from '../../ui/Button.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { DatasetStatusBadge } from './DatasetStatusBadge.tsx'
import { countIssues, countThings, reportTexts } from './dataset-text.ts'
import { useDatasetEdits } from './edits.ts'
import { ExportDialog } from './ExportDialog.tsx'
import { useDatasetActions } from './queries.ts'
import { RenameDialog } from './RenameDialog.tsx'
import { useReportExport } from './ReportMenu.tsx'
import { useUndoKeys } from './use-undo-keys.ts'

/** Name, state and figures of a dataset, and everything that can be done with it as a whole. */
export function DatasetHead({ dataset }: { readonly dataset: Dataset }) {
  const navigate = useNavigate()
  return (
    <header className="dataset-head">
      <h2 title={dataset.name}>{dataset.name}</h2>
      <div className="dataset-actions">
        <HistoryButtons dataset={dataset} />
        <MoreMenu dataset={dataset} />
        <Button
          variant="primary"
          disabled={!dataset.isTrainable}
          onClick={() => void navigate({ to: '/runs/new', search: { dataset: dataset.id } })}
        >
          Train on it
        </Button>
      </div>
      <HeadFigures dataset={dataset} />
      {dataset.description !== '' && <p className="dataset-description">{dataset.description}</p>}
    </header>
  )
}

function HeadFigures({ dataset }: { readonly dataset: Dataset }) {
  const { stats, tokens } = dataset
  const issues = countIssues(dataset)
  return (
    <p>
      <DatasetStatusBadge dataset={dataset} />
      {stats !== null && <span>{formatCount(stats.validRows)} usable rows</span>}
      {tokens !== null && (
        <span>
          {formatCount(tokens.total)} tokens ({tokens.modelName})
        </span>
      )}
      {tokens === null && stats !== null && <span title="Characters ÷ 4">≈ {formatCount(stats.tokensEstimate)} tokens (estimate)</span>}
      {issues !== null && issues > 0 && <span>{countThings(issues, 'issue')}</span>}
    </p>
  )
}

function HistoryButtons({ dataset }: { readonly dataset: Dataset }) {
  const { undo, redo } = useDatasetEdits(dataset)
  const isBusy = undo.isPending || redo.isPending
  useUndoKeys({
    undo: () => dataset.canUndo && !isBusy && undo.mutate(),
    redo: () => dataset.canRedo && !isBusy && redo.mutate(),
  })
  return (
    <div className="history-buttons" role="group" aria-label="Changes">
      <Button
        aria-label="Undo the last change"
        title={`Undo the last change (${shortcutText('Z')})`}
        disabled={!dataset.canUndo || isBusy}
        onClick={() => undo.mutate()}
      >
        <Undo2 size={14} aria-hidden="true" />
      </Button>
      <Button
        aria-label="Redo the change"
        title={`Redo the change (${shortcutText('Shift Z')})`}
        disabled={!dataset.canRedo || isBusy}
        onClick={() => redo.mutate()}
      >
        <Redo2 size={14} aria-hidden="true" />
      </Button>
      <Link
        to="/datasets/$datasetId"
        params={{ datasetId: dataset.id }}
        search={{ tab: 'versions' }}
        replace
        title="All versions"
        className="version-link"
      >
        {dataset.version === 0 ? 'unchanged' : `version ${formatCount(dataset.version)}`}
      </Link>
    </div>
  )
}

function MoreMenu({ dataset }: { readonly dataset: Dataset }) {
  const navigate = useNavigate()
  const [open, setOpen] = useState<'rename' | 'export' | null>(null)
  const { remove, validateAgain } = useDatasetActions()
  const report = useReportExport(dataset)
  const isChecked = dataset.stats !== null
  return (
    <>
      <Menu
        trigger={
          <Button aria-label="More actions" title="More actions">
            <Ellipsis size={14} aria-hidden="true" />
          </Button>
        }
        items={[
          { id: 'export', label: 'Export…', isDisabled: !isChecked, onSelect: () => setOpen('export') },
          {
            id: 'report',
            label: `Export report as ${reportTexts.html.title.toLowerCase()}…`,
            isDisabled: !isChecked,
            onSelect: () => report.mutate('html'),
          },
          { id: 'rename', label: 'Rename dataset…', onSelect: () => setOpen('rename') },
          { id: 'check', label: 'Check again', onSelect: () => validateAgain.mutate(dataset.id) },
          {
            id: 'delete',
            label: 'Delete dataset',
            isDestructive: true,
            onSelect: () => remove.mutate(dataset, { onSuccess: () => void navigate({ to: '/datasets' }) }),
          },
        ]}
      />
      {open === 'rename' && <RenameDialog dataset={dataset} isOpen onClose={() => setOpen(null)} />}
      <ExportDialog dataset={dataset} isOpen={open === 'export'} onClose={() => setOpen(null)} />
    </>
  )
}
