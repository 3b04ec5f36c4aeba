import './overview.css'
import { useState, type ReactNode } from 'react'
import { shapeNames } from '../../../preload/contract/dataset-shapes.ts'
import type { Dataset, DatasetOverview as Overview, DatasetStats } from '../../../preload/contract/datasets.ts'
import { Histogram } from '../../charts/Histogram.tsx'
import { formatBytes, formatCount, formatPercent } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { ConsumerTable } from './ConsumerTable.tsx'
import { countThings, describeFormat, describeMapping } from './dataset-text.ts'
import { MappingDialog } from './MappingDialog.tsx'
import { useOverview } from './part-queries.ts'
import { SeverityIcon } from './RowNotes.tsx'
import { FlagList, ShareBars } from './ShareBars.tsx'
import { useShowRows } from './use-show-rows.ts'

interface DatasetOverviewProps {
  readonly dataset: Dataset
  readonly stats: DatasetStats
}

/** What a dataset is like as a whole; every figure is computed or a dash. */
export function DatasetOverview({ dataset, stats }: DatasetOverviewProps) {
  const overview = useOverview(dataset)
  const showRows = useShowRows(dataset.id)
  const { data } = overview
  const isWorking = dataset.tasks.length > 0
  const waiting = isWorking ? 'Being computed.' : 'Not computed.'
  return (
    <div className="overview">
      <Figures dataset={dataset} stats={stats} />
      <Observations observations={data?.observations ?? []} />
      {overview.error !== null && <ErrorNote error={overview.error} onRetry={() => void overview.refetch()} />}
      <section className="overview-plots" aria-label="Distributions">
        <Histogram
          title="Tokens per row"
          unit="tokens"
          data={data?.tokens ?? null}
          missingText={dataset.tokens === null && !isWorking ? 'Choose a base model under Tokens to count them.' : waiting}
          onChoose={(tokensFrom, tokensTo) => showRows({ tokensFrom, tokensTo })}
        />
        <Histogram title="Trained tokens per row" unit="tokens" data={data?.trainedTokens ?? null} missingText={waiting} />
        <Histogram
          title="Turns per row"
          unit="turns"
          data={data?.turns ?? null}
          missingText={waiting}
          onChoose={(turnsFrom, turnsTo) => showRows({ turnsFrom, turnsTo })}
        />
        <Histogram title="Characters per row" unit="characters" data={data?.characters ?? null} missingText={waiting} />
      </section>
      <div className="overview-columns">
        <FlagList flags={data?.flags ?? null} missingText={waiting} onChoose={(flag) => showRows({ flags: [flag] })} />
        <div className="overview-shares">
          <ShareBars title="Scripts" shares={data?.scripts ?? null} missingText={waiting} onChoose={(script) => showRows({ script })} />
          <ShareBars
            title="Languages"
            note={
              data === undefined || data.languages === null ? undefined : `in a sample of ${countThings(data.languageSampleRows, 'row')}`
            }
            shares={data?.languages ?? null}
            missingText={waiting}
          />
          {data !== undefined && data.shapes.length > 1 && <ShareBars title="Shapes" shares={data.shapes} missingText={waiting} />}
        </div>
      </div>
      <ConsumerTable consumers={data?.consumers ?? []} missingText={waiting} />
      <Source dataset={dataset} stats={stats} />
    </div>
  )
}

function Figures({ dataset, stats }: DatasetOverviewProps) {
  const answerShare = stats.characters === 0 ? null : stats.assistantCharacters / stats.characters
  const { tokens } = dataset
  return (
    <section className="card overview-card" aria-label="Rows and text">
      <dl className="fact-list">
        <Fact label="Rows" value={formatCount(stats.rows)} note={`${formatCount(stats.validRows)} usable`} />
        <Fact label="Rows with errors" value={formatCount(stats.errorRows)} note={countThings(stats.errors, 'error')} />
        <Fact label="Dropped" value={formatCount(stats.droppedRows)} note={`${formatCount(stats.editedRows)} edited`} />
        <Fact label="Repeated rows" value={formatCount(stats.duplicateRows)} note="same as an earlier row" />
        <Fact
          label="Tokens"
          value={formatCount(tokens?.total)}
          note={tokens === null ? `estimate ≈ ${formatCount(stats.tokensEstimate)} (characters ÷ 4)` : tokens.modelName}
        />
        <Fact
          label="Trained tokens"
          value={formatCount(tokens?.trained)}
          {...(tokens === null || tokens.total === 0 ? {} : { note: `${formatPercent(tokens.trained / tokens.total)} of all` })}
        />
        <Fact label="Turns" value={formatCount(stats.turns)} note={`${formatCount(stats.assistantTurns)} answers`} />
        <Fact label="Characters" value={formatCount(stats.characters)} note={`${formatPercent(answerShare)} of them in answers`} />
      </dl>
    </section>
  )
}

/** What stands out in the set as a whole; nothing when nothing does. */
function Observations({ observations }: { readonly observations: NonNullable<Overview['observations']> }) {
  if (observations.length === 0) return null
  return (
    <section className="card observations" aria-label="What stands out">
      <ul>
        {observations.map(({ kind, severity, title, message }) => (
          <li key={kind}>
            <SeverityIcon severity={severity} />
            <div>
              <p>{title}</p>
              <p className="field-hint">{message}</p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Source({ dataset, stats }: DatasetOverviewProps) {
  const [isMapping, setMapping] = useState(false)
  const isSeveral = dataset.fileNames.length > 1
  return (
    <section className="card overview-file" aria-label="File">
      <dl className="fact-list">
        <Fact
          label={isSeveral ? countThings(dataset.fileNames.length, 'file') : 'File'}
          value={isSeveral ? dataset.fileNames.join(', ') : dataset.fileName}
          note={formatBytes(dataset.sizeBytes)}
        />
        <Fact label="Format" value={describeFormat(dataset.format)} />
        <Fact label="Shape" value={dataset.shape === null ? '–' : shapeNames[dataset.shape]} />
        <Fact label="Blank lines" value={formatCount(stats.blankLines)} />
        <Fact label="Imported" value={<RelativeTime atMs={dataset.createdAtMs} />} />
        <Fact label="Checked" value={dataset.validatedAtMs === null ? '–' : <RelativeTime atMs={dataset.validatedAtMs} />} />
        {dataset.mapping !== null && (
          <div className="fact-list-wide">
            <dt>Columns</dt>
            <dd>
              {describeMapping(dataset.mapping)}{' '}
              <Button size="small" onClick={() => setMapping(true)}>
                Change…
              </Button>
            </dd>
          </div>
        )}
        <div className="fact-list-wide">
          <dt>SHA-256</dt>
          <dd className="mono">{dataset.sha256 ?? '–'}</dd>
        </div>
      </dl>
      {dataset.format !== null && dataset.format.evidence.length > 0 && (
        <details className="overview-evidence">
          <summary>How the format was recognised</summary>
          <ul>
            {dataset.format.evidence.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </details>
      )}
      {isMapping && <MappingDialog dataset={dataset} onClose={() => setMapping(false)} />}
    </section>
  )
}

/** One figure with its name and what it means. */
export function Fact({ label, value, note }: { readonly label: string; readonly value: ReactNode; readonly note?: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
      {note !== undefined && <dd className="fact-note">{note}</dd>}
    </div>
  )
}
