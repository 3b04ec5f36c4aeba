import { useMutation } from '@tanstack/react-query'
import type { RouteInput } from '../../../preload/contract/contract.ts'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { useToasts } from '../../ui/Toasts.tsx'
import { countRows } from './dataset-text.ts'
import { useKeepDataset } from './queries.ts'

/** A change of the dataset as main takes it. */
export type Edit = RouteInput<'datasets.applyEdit'>['edit']

/** Changes rows with an Undo in the message, and goes back and forth through the changes. */
export function useDatasetEdits(dataset: Dataset) {
  const toasts = useToasts()
  const keep = useKeepDataset()
  const { id } = dataset
  const onError = (error: unknown) => toasts.show(describeError(error))
  const undo = useMutation({ mutationFn: () => bridge.invoke('datasets.undoEdit', { id }), onSuccess: keep, onError })
  const redo = useMutation({ mutationFn: () => bridge.invoke('datasets.redoEdit', { id }), onSuccess: keep, onError })
  // A message may outlive its edit: only the newest edit is taken back from it.
  const undoOnly = useMutation({
    mutationFn: async (version: number) => {
      const now = await bridge.invoke('datasets.get', { id })
      return now.version === version ? bridge.invoke('datasets.undoEdit', { id }) : null
    },
    onSuccess: (answer) => {
      if (answer !== null) return keep(answer)
      toasts.show('Other changes came after this one. Choose the state to go back to under Versions.')
      return undefined
    },
    onError,
  })
  const goTo = useMutation({
    mutationFn: (version: number) => bridge.invoke('datasets.goToVersion', { id, version }),
    onSuccess: keep,
    onError,
  })
  const apply = useMutation({
    mutationFn: (edit: Edit) => bridge.invoke('datasets.applyEdit', { id, edit }),
    onSuccess: (changed, edit) => {
      toasts.show(describeEdit(edit, dataset, changed), { label: 'Undo', onSelect: () => undoOnly.mutate(changed.version) })
      return keep(changed)
    },
    // The raw editor shows what is wrong with its text beside the text.
    onError: (error, edit) => {
      if (edit.kind !== 'replace') onError(error)
    },
  })
  return { apply, undo, redo, goTo }
}

function describeEdit(edit: Edit, before: Dataset, after: Dataset): string {
  const dropped = (after.stats?.droppedRows ?? 0) - (before.stats?.droppedRows ?? 0)
  switch (edit.kind) {
    case 'drop':
    case 'drop_duplicates':
      return dropped > 0 ? `${countRows(dropped)} dropped.` : 'No further row was dropped.'
    case 'restore':
      return dropped < 0 ? `${countRows(-dropped)} restored.` : 'No row had to be restored.'
    case 'fix':
      return 'The fix is applied.'
    case 'redact':
      return 'The findings are replaced by placeholders.'
    case 'replace':
      return 'The row is replaced.'
  }
}
