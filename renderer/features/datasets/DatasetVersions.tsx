import './issues.css'
import { useState } from 'react'
import type { Dataset, DatasetVersion } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { Check } from 'lucide-react'
import { ChangeDiff } from './ChangeDiff.tsx'
import { countRows } from './dataset-text.ts'
import { useDatasetEdits } from './edits.ts'
import { useVersionDiff, useVersions } from './part-queries.ts'

/** Every state the dataset has been in; any of them can be looked at and gone back to. */
export function DatasetVersions({ dataset }: { readonly dataset: Dataset }) {
  const versions = useVersions(dataset)
  const [compared, setCompared] = useState<number | null>(null)
  if (versions.error !== null) return <ErrorNote error={versions.error} onRetry={() => void versions.refetch()} />
  if (versions.data === undefined) return <p className="page-note">Reading the versions.</p>
  const sorted = versions.data.toSorted((a, b) => b.version - a.version)
  return (
    <div className="list-page">
      <p className="field-hint">The source file is never rewritten. A version is the file with the changes made up to then.</p>
      <div className="table-scroll" role="region" aria-label="Versions" tabIndex={0}>
        <table className="data-table">
          <thead>
            <tr>
              <th scope="col" className="number version-number">
                Version
              </th>
              <th scope="col">Change</th>
              <th scope="col" className="number">
                Rows changed
              </th>
              <th scope="col">When</th>
              <th scope="col">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((version) => (
              <VersionRow
                key={version.version}
                dataset={dataset}
                version={version}
                isCompared={compared === version.version}
                onCompare={() => setCompared(compared === version.version ? null : version.version)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {compared !== null && compared !== dataset.version && <VersionDiff dataset={dataset} from={compared} />}
    </div>
  )
}

interface VersionRowProps {
  readonly dataset: Dataset
  readonly version: DatasetVersion
  readonly isCompared: boolean
  readonly onCompare: () => void
}

function VersionRow({ dataset, version, isCompared, onCompare }: VersionRowProps) {
  const { goTo } = useDatasetEdits(dataset)
  const { isCurrent } = version
  return (
    <tr aria-current={isCurrent}>
      <td className="number">{formatCount(version.version)}</td>
      <td>{version.title}</td>
      <td className="number">{version.version === 0 ? '–' : formatCount(version.rowsChanged)}</td>
      <td>
        <RelativeTime atMs={version.atMs} />
      </td>
      <td className="version-actions">
        {isCurrent ? (
          <Badge tone="active" icon={<Check size={13} />} text="Current" />
        ) : (
          <>
            <Button
              size="small"
              aria-pressed={isCompared}
              aria-label={`Compare version ${version.version} with the current one`}
              onClick={onCompare}
            >
              Compare
            </Button>
            <Button
              size="small"
              aria-label={`Go to version ${version.version}`}
              disabled={goTo.isPending}
              onClick={() => goTo.mutate(version.version)}
            >
              Go to
            </Button>
          </>
        )}
      </td>
    </tr>
  )
}

function VersionDiff({ dataset, from }: { readonly dataset: Dataset; readonly from: number }) {
  const diff = useVersionDiff(dataset, from, dataset.version)
  const title = `From version ${formatCount(from)} to ${formatCount(dataset.version)}, the current one`
  return (
    <section className="card version-diff" aria-label={title}>
      <h3>{title}</h3>
      {diff.error !== null && <ErrorNote error={diff.error} onRetry={() => void diff.refetch()} />}
      {diff.data !== undefined && (
        <>
          <p role="status">
            {countRows(diff.data.dropped)} dropped, {countRows(diff.data.restored)} restored, {countRows(diff.data.edited)} edited.
          </p>
          {diff.data.examples.map((change) => (
            <ChangeDiff key={change.row} change={change} />
          ))}
        </>
      )}
    </section>
  )
}
