import { useNavigate } from '@tanstack/react-router'
import { TriangleAlert } from 'lucide-react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { countRows } from './dataset-text.ts'
import { useDatasetActions } from './queries.ts'

/** When some rows are bad the user decides whether the good ones are used; nothing is left out silently. */
export function RowsDecision({ dataset }: { readonly dataset: Dataset }) {
  const { acceptValidRows } = useDatasetActions()
  const navigate = useNavigate()
  const { stats } = dataset
  if (stats === null || stats.errorRows === 0) return null
  const decide = (accept: boolean) => acceptValidRows.mutate({ id: dataset.id, accept })
  if (dataset.acceptsValidRowsOnly) {
    return (
      <section className="dataset-decision" aria-label="Rows with issues">
        <p>
          Runs use the {formatCount(stats.validRows)} usable rows; {countRows(stats.errorRows)} with errors{' '}
          {stats.errorRows === 1 ? 'is' : 'are'} left out.
        </p>
        <Button size="small" onClick={() => decide(false)} disabled={acceptValidRows.isPending}>
          Keep fixing instead
        </Button>
      </section>
    )
  }
  return (
    <section className="dataset-decision" data-open="true" aria-label="Rows with issues">
      <TriangleAlert size={16} aria-hidden="true" />
      <p>
        {formatCount(stats.errorRows)} of {countRows(stats.rows)} {stats.errorRows === 1 ? 'has' : 'have'} errors.{' '}
        {stats.validRows === 0
          ? 'Correct them under Issues, or correct the file and import it again.'
          : 'Correct them under Issues, or train on the rest.'}
      </p>
      <Button onClick={() => void navigate({ to: '.', search: { tab: 'issues' }, replace: true })}>Keep fixing</Button>
      {stats.validRows > 0 && (
        <Button variant="primary" onClick={() => decide(true)} disabled={acceptValidRows.isPending}>
          Use the {formatCount(stats.validRows)} usable rows
        </Button>
      )}
    </section>
  )
}
