import type { Dataset } from '../../../preload/contract/datasets.ts'
import { Button } from '../../ui/Button.tsx'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { describeTask, statusNames, taskNames } from './dataset-text.ts'
import { useDatasetActions } from './queries.ts'

/** Work that goes on, with how far it is and a way to end it. */
export function TaskList({ dataset }: { readonly dataset: Dataset }) {
  const { cancelTask } = useDatasetActions()
  const isWorking = dataset.status === 'importing' || dataset.status === 'validating'
  if (dataset.tasks.length === 0) return isWorking ? <ProgressBar label={statusNames[dataset.status]} value={dataset.progress} /> : null
  return (
    <ul className="task-list" aria-label="Work in progress">
      {dataset.tasks.map((task) => (
        <li key={task.kind}>
          <span className="task-name">{taskNames[task.kind]}</span>
          <ProgressBar label={taskNames[task.kind]} value={task.progress} />
          <span className="task-figures">{describeTask(task)}</span>
          <Button
            size="small"
            aria-label={`Cancel: ${taskNames[task.kind]}`}
            disabled={cancelTask.isPending}
            onClick={() => cancelTask.mutate({ id: dataset.id, kind: task.kind })}
          >
            Cancel
          </Button>
        </li>
      ))}
    </ul>
  )
}
