import { CircleCheck, CircleX, Hourglass, LoaderCircle, TriangleAlert } from 'lucide-react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatPercent } from '../../lib/format.ts'
import { Badge } from '../../ui/Badge.tsx'
import { statusNames } from './dataset-text.ts'

/** The state of a dataset by icon, word and colour. */
export function DatasetStatusBadge({ dataset }: { readonly dataset: Dataset }) {
  const { status, progress } = dataset
  if (status === 'ready') return <Badge tone="good" icon={<CircleCheck size={13} />} text={statusNames[status]} />
  if (status === 'error' && dataset.stats === null) return <Badge tone="bad" icon={<CircleX size={13} />} text="Unreadable" />
  if (status === 'error') return <Badge tone="warn" icon={<TriangleAlert size={13} />} text={statusNames[status]} />
  const icon = status === 'importing' ? <Hourglass size={13} /> : <LoaderCircle size={13} />
  return <Badge tone="active" icon={icon} text={`${statusNames[status]} ${formatPercent(progress)}`} />
}
