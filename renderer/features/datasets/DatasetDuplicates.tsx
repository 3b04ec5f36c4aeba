import './issues.css'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Dataset, DuplicateKind } from '../../../preload/contract/datasets.ts'
import { formatCount, formatPercent } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Pager } from '../../ui/Pager.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { countRows, countThings, duplicateTexts } from './dataset-text.ts'
import { DuplicateGroupCard } from './DuplicateGroupCard.tsx'
import { useDatasetEdits } from './edits.ts'
import { useDuplicates } from './part-queries.ts'
import { useDatasetActions } from './queries.ts'

const pageSize = 20
const kinds = Object.keys(duplicateTexts) as DuplicateKind[]

/** Rows that repeat others, by how they do; none is taken out unless the user says so. */
export function DatasetDuplicates({ dataset }: { readonly dataset: Dataset }) {
  const [kind, setKind] = useState<DuplicateKind>('exact')
  return (
    <div className="list-page">
      <div className="list-bar">
        <SegmentedControl
          label="Kind of repetition"
          options={kinds.map((value) => ({ value, title: duplicateTexts[value].title }))}
          value={kind}
          onChange={setKind}
        />
      </div>
      <p className="field-hint">{duplicateTexts[kind].hint}</p>
      {kind === 'near' && <NearSearch dataset={dataset} />}
      {kind === 'leakage' && dataset.split === null ? <NoSplit /> : <Groups key={kind} dataset={dataset} kind={kind} />}
    </div>
  )
}

function Groups({ dataset, kind }: { readonly dataset: Dataset; readonly kind: DuplicateKind }) {
  const [offset, setOffset] = useState(0)
  const found = useDuplicates(dataset, kind, offset, pageSize)
  const { apply } = useDatasetEdits(dataset)
  if (found.error !== null) return <ErrorNote error={found.error} onRetry={() => void found.refetch()} />
  if (found.data === undefined) return <p className="page-note">Reading the groups.</p>
  const { isKnown, total, rows, groups } = found.data
  if (!isKnown) return <p className="page-note">{describeUnknown(dataset, kind)}</p>
  if (total === 0) return <p className="page-note">None found.</p>
  const surplus = rows - total
  return (
    <>
      <div className="list-bar">
        <p role="status">
          {countThings(total, 'group')}, {countRows(rows)}.
        </p>
        {(kind === 'exact' || kind === 'near') && surplus > 0 && (
          <Button disabled={apply.isPending} onClick={() => apply.mutate({ kind: 'drop_duplicates', of: kind })}>
            Drop all but the first of each: {countRows(surplus)}
          </Button>
        )}
      </div>
      <ul className="duplicate-groups" aria-label="Groups">
        {groups.map((group, index) => (
          <DuplicateGroupCard key={group.rows[0]?.row ?? index} dataset={dataset} group={group} kind={kind} />
        ))}
      </ul>
      <Pager offset={offset} pageSize={pageSize} total={total} onChange={setOffset} />
    </>
  )
}

function describeUnknown(dataset: Dataset, kind: DuplicateKind): string {
  const isWorking = dataset.tasks.some((task) => task.kind === (kind === 'near' ? 'near_duplicates' : 'scan'))
  if (isWorking) return 'Being compared. The groups appear here when it is done.'
  return kind === 'near'
    ? 'Not searched yet. Choose how alike rows must be and start the search.'
    : 'Not compared yet. Check the dataset again.'
}

/** A row in which one word of twenty was changed shares about 63 % of its word sequences, so a search at 80 % would miss it. */
const firstThreshold = 0.5

function NearSearch({ dataset }: { readonly dataset: Dataset }) {
  const [threshold, setThreshold] = useState(firstThreshold)
  const { findNearDuplicates } = useDatasetActions()
  const isRunning = dataset.tasks.some(({ kind }) => kind === 'near_duplicates')
  return (
    <div className="near-search">
      <label>
        At least
        <input
          type="range"
          min={0.5}
          max={1}
          step={0.05}
          value={threshold}
          aria-valuetext={formatPercent(threshold)}
          onChange={(event) => setThreshold(event.target.valueAsNumber)}
        />
        <output>{formatPercent(threshold + 1e-9)}</output> alike
      </label>
      <span className="field-hint">Changing one word in twenty leaves about 63 % alike.</span>
      <Button
        disabled={isRunning || findNearDuplicates.isPending || dataset.stats === null}
        onClick={() => findNearDuplicates.mutate({ id: dataset.id, threshold })}
      >
        {isRunning ? 'Searching' : `Find among ${formatCount(dataset.stats?.validRows)} rows`}
      </Button>
    </div>
  )
}

function NoSplit() {
  const navigate = useNavigate()
  return (
    <div className="rows-none">
      <p>Leakage shows once the rows are divided into training, validation and test.</p>
      <Button onClick={() => void navigate({ to: '.', search: { tab: 'splits' }, replace: true })}>Divide the rows</Button>
    </div>
  )
}
