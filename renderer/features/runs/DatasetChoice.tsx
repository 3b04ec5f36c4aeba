import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { ChoiceOption } from './ChoiceSection.tsx'

interface DatasetChoiceProps {
  readonly datasets: readonly Dataset[]
  readonly chosenId: string | null
  readonly onChoose: (id: string) => void
}

/** The datasets a run can be trained on; those that are not ready say why. */
export function DatasetChoice({ datasets, chosenId, onChoose }: DatasetChoiceProps) {
  return (
    <ul className="choice-options">
      {datasets.map((dataset) => (
        <ChoiceOption
          key={dataset.id}
          title={dataset.name}
          detail={describeDataset(dataset)}
          isChosen={dataset.id === chosenId}
          blockedReason={dataset.isTrainable ? null : blockedReason(dataset)}
          onChoose={() => onChoose(dataset.id)}
        />
      ))}
    </ul>
  )
}

/** Size of a dataset in one line. */
export function describeDataset(dataset: Dataset): string {
  if (dataset.stats === null) return dataset.fileName
  return `${formatCount(dataset.stats.validRows)} rows · about ${formatCount(dataset.stats.tokensEstimate)} tokens`
}

function blockedReason(dataset: Dataset): string {
  if (dataset.status === 'importing' || dataset.status === 'validating') return 'Still being checked.'
  const bad = dataset.stats?.errorRows ?? 0
  if (bad > 0) return `${formatCount(bad)} rows have errors. Open the dataset to repair them or to accept the valid rows.`
  return dataset.errorMessage ?? 'It has no valid rows.'
}
