import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { useToasts } from '../../ui/Toasts.tsx'
import { countRows } from './dataset-text.ts'
import { useDatasetEdits, type Edit } from './edits.ts'
import { RedactDialog } from './RedactDialog.tsx'
import { canName, readRowNumbers, type RowListing } from './row-queries.ts'
import { isNarrowed, rowViewStore } from './row-view-store.ts'
import { countChosen, noRows, type Selection } from './selection.ts'

type Choice = Extract<Edit, { kind: 'drop' }>['choice']

interface RowActionsProps {
  readonly dataset: Dataset
  readonly listing: RowListing
  readonly selection: Selection
  readonly total: number
  /** While a search still runs, "all that match" is not known yet. */
  readonly isSearching: boolean
}

/** Drops, restores or redacts the chosen rows, or all that match when none is chosen. */
export function RowActions({ dataset, listing, selection, total, isSearching }: RowActionsProps) {
  const [isRedacting, setRedacting] = useState(false)
  const { apply } = useDatasetEdits(dataset)
  const choose = useRowChoice(listing, selection, total)
  const chosen = countChosen(selection)
  const isWhole = chosen === 0
  const count = isWhole ? total : chosen
  if (count === 0 || (isWhole && (!isNarrowed(listing.filter) || isSearching))) return <span className="rows-actions" />
  const run = async (make: (choice: Choice) => Edit) => {
    const choice = await choose()
    if (choice === null) return
    apply.mutate(make(choice), { onSuccess: () => rowViewStore.getState().change(dataset.id, { selection: noRows }) })
  }
  const what = isWhole ? `all ${formatCount(count)}` : countRows(count)
  return (
    <span className="rows-actions" role="group" aria-label={isWhole ? 'All rows that match' : 'Chosen rows'}>
      {!isWhole && <b>{formatCount(count)} chosen</b>}
      <Button size="small" disabled={apply.isPending} onClick={() => void run((choice) => ({ kind: 'drop', choice }))}>
        Drop {what}
      </Button>
      <Button size="small" disabled={apply.isPending} onClick={() => void run((choice) => ({ kind: 'restore', choice }))}>
        Restore
      </Button>
      <Button size="small" disabled={apply.isPending} onClick={() => setRedacting(true)}>
        Redact…
      </Button>
      {!isWhole && (
        <Button size="small" variant="ghost" onClick={() => rowViewStore.getState().change(dataset.id, { selection: noRows })}>
          Choose none
        </Button>
      )}
      <RedactDialog
        dataset={dataset}
        isOpen={isRedacting}
        rows={count}
        first={listing.filter.flags}
        onClose={() => setRedacting(false)}
        onRedact={(flags) => {
          setRedacting(false)
          void run((choice) => ({ kind: 'redact', flags: [...flags], choice }))
        }}
      />
    </span>
  )
}

/** The chosen places as an edit takes them: all by the filter, some by their numbers. */
function useRowChoice(listing: RowListing, selection: Selection, total: number): () => Promise<Choice | null> {
  const client = useQueryClient()
  const toasts = useToasts()
  return async () => {
    const chosen = countChosen(selection)
    if (chosen === 0 || chosen === total) return { kind: 'filter', filter: listing.filter }
    if (!canName(chosen)) {
      toasts.show('At most 100,000 rows can be chosen one by one. Filter the rows and change all that match.')
      return null
    }
    try {
      return { kind: 'rows', rows: await readRowNumbers(client, listing, selection) }
    } catch {
      toasts.show('The chosen rows could not be read. Try again.')
      return null
    }
  }
}
