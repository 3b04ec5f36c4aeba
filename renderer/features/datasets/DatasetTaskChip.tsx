import './datasets.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { LoaderCircle } from 'lucide-react'
import { bridge } from '../../lib/bridge.ts'
import { formatDuration, formatPercent } from '../../lib/format.ts'
import { taskNames } from './dataset-text.ts'

/** Work on a dataset that goes on, for the header of every page; leads to the dataset. */
export function DatasetTaskChip() {
  const datasets = useQuery({ queryKey: ['datasets', 'list', 'chip'], queryFn: () => bridge.invoke('datasets.list', {}) })
  const working = (datasets.data ?? []).filter(({ tasks }) => tasks.length > 0)
  const dataset = working[0]
  const task = dataset?.tasks[0]
  if (dataset === undefined || task === undefined) return null
  return (
    <Link to="/datasets/$datasetId" params={{ datasetId: dataset.id }} className="run-chip" title={dataset.name}>
      <LoaderCircle size={13} aria-hidden="true" />
      <span className="run-chip-name">{dataset.name}</span>
      <span>
        {taskNames[task.kind]} {formatPercent(task.progress)}
        {task.leftMs !== null && ` · ${formatDuration(task.leftMs)} left`}
        {working.length > 1 && ` · ${working.length - 1} more`}
      </span>
    </Link>
  )
}
