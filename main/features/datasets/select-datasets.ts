import type { RouteParsed } from '../../../preload/contract/contract.ts'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { assertNever } from '../../lib/assert-never.ts'

/** Filters and sorts the list; here rather than in SQL, where "Ü" and "ü" would be different letters. */
export function selectDatasets(datasets: readonly Dataset[], query: RouteParsed<'datasets.list'>): Dataset[] {
  const wanted = query.search.trim().toLocaleLowerCase()
  return datasets
    .filter((dataset) => query.status === null || dataset.status === query.status)
    .filter(({ name, description, fileName }) => [name, description, fileName].some((text) => text.toLocaleLowerCase().includes(wanted)))
    .toSorted((a, b) => compare(a, b, query.sort) || b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1))
}

function compare(a: Dataset, b: Dataset, sort: RouteParsed<'datasets.list'>['sort']): number {
  switch (sort) {
    case 'newest':
      return b.createdAtMs - a.createdAtMs
    case 'name':
      return a.name.localeCompare(b.name, undefined, { numeric: true, sensitivity: 'base' })
    case 'rows':
      return (b.stats?.rows ?? 0) - (a.stats?.rows ?? 0)
    case 'size':
      return b.sizeBytes - a.sizeBytes
    default:
      return assertNever(sort)
  }
}
