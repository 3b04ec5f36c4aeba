import type { Dataset, DatasetStats } from '../../../preload/contract/datasets.ts'
import { formatBytes, formatCount, formatMoment } from '../../lib/format.ts'
import { shapeNames } from './dataset-text.ts'

interface DatasetOverviewProps {
  readonly dataset: Dataset
  readonly stats: DatasetStats
}

/** The figures of a dataset, all computed over its usable rows. */
export function DatasetOverview({ dataset, stats }: DatasetOverviewProps) {
  const facts: readonly (readonly [string, string])[] = [
    ['Rows', `${formatCount(stats.rows)}, ${formatCount(stats.validRows)} usable`],
    ['Rows with issues', formatCount(stats.errorRows)],
    ['Turns', `${formatCount(stats.turns)}, ${formatCount(stats.assistantTurns)} answers`],
    ['Turns per row', stats.validRows === 0 ? '–' : stats.turnsPerRowMean.toFixed(1)],
    ['Characters', `${formatCount(stats.characters)}, ${formatCount(stats.assistantCharacters)} in answers`],
    ['Tokens', `≈ ${formatCount(stats.tokensEstimate)} (characters ÷ 4)`],
    ['Longest row', `${formatCount(stats.longestRowCharacters)} characters`],
    ['Repeated rows', formatCount(stats.duplicateRows)],
    ['Blank lines', formatCount(stats.blankLines)],
    ['Shape', dataset.shape === null ? '–' : shapeNames[dataset.shape]],
    ['File', `${dataset.fileName}, ${formatBytes(dataset.sizeBytes)}`],
    ['Checked', dataset.validatedAtMs === null ? '–' : formatMoment(dataset.validatedAtMs)],
    ['SHA-256', dataset.sha256 ?? '–'],
  ]
  return (
    <dl className="fact-list">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
