import type { ReactNode } from 'react'
import type { Dataset, DatasetStats } from '../../../preload/contract/datasets.ts'
import { formatBytes, formatCount, formatPercent } from '../../lib/format.ts'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { shapeNames } from './dataset-text.ts'

interface DatasetOverviewProps {
  readonly dataset: Dataset
  readonly stats: DatasetStats
}

/** The figures of a dataset, all computed over its usable rows. */
export function DatasetOverview({ dataset, stats }: DatasetOverviewProps) {
  const answerShare = stats.characters === 0 ? null : stats.assistantCharacters / stats.characters
  return (
    <div className="list-page">
      <section className="card overview-card" aria-label="Rows and text">
        <dl className="fact-list">
          <Fact label="Rows" value={formatCount(stats.rows)} note={`${formatCount(stats.validRows)} usable`} />
          <Fact label="Rows with issues" value={formatCount(stats.errorRows)} note={`${formatCount(stats.errors)} issues`} />
          <Fact label="Repeated rows" value={formatCount(stats.duplicateRows)} note="same messages as an earlier row" />
          <Fact label="Turns" value={formatCount(stats.turns)} note={`${formatCount(stats.assistantTurns)} answers`} />
          <Fact label="Turns per row" value={stats.validRows === 0 ? '–' : stats.turnsPerRowMean.toFixed(1)} note="on average" />
          <Fact label="Tokens" value={`≈ ${formatCount(stats.tokensEstimate)}`} note="estimate: characters ÷ 4" />
          <Fact label="Characters" value={formatCount(stats.characters)} note={`${formatPercent(answerShare)} of them in answers`} />
          <Fact label="Longest row" value={formatCount(stats.longestRowCharacters)} note="characters" />
        </dl>
      </section>
      <section className="card overview-file" aria-label="File">
        <dl className="fact-list">
          <Fact label="File" value={dataset.fileName} note={formatBytes(dataset.sizeBytes)} />
          <Fact label="Shape" value={dataset.shape === null ? '–' : shapeNames[dataset.shape]} />
          <Fact label="Blank lines" value={formatCount(stats.blankLines)} />
          <Fact label="Imported" value={<RelativeTime atMs={dataset.createdAtMs} />} />
          <Fact label="Checked" value={dataset.validatedAtMs === null ? '–' : <RelativeTime atMs={dataset.validatedAtMs} />} />
          <div className="fact-list-wide">
            <dt>SHA-256</dt>
            <dd className="mono">{dataset.sha256 ?? '–'}</dd>
          </div>
        </dl>
      </section>
    </div>
  )
}

function Fact({ label, value, note }: { readonly label: string; readonly value: ReactNode; readonly note?: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
      {note !== undefined && <dd className="fact-note">{note}</dd>}
    </div>
  )
}
