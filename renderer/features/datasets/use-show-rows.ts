import { useNavigate } from '@tanstack/react-router'
import type { RowFilter } from '../../../preload/contract/datasets.ts'
import { emptyFilter, narrowRows } from './row-view-store.ts'

/** Opens the row browser on the rows that satisfy the given conditions and no others. */
export function useShowRows(datasetId: string): (conditions: Partial<RowFilter>) => void {
  const navigate = useNavigate()
  return (conditions) => {
    narrowRows(datasetId, { filter: { ...emptyFilter, ...conditions } })
    void navigate({ to: '/datasets/$datasetId', params: { datasetId }, search: { tab: 'rows' }, replace: true })
  }
}
