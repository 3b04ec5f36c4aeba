import type { Adapter } from '../../../preload/contract/adapters.ts'
import type { RouteParsed } from '../../../preload/contract/contract.ts'

type Query = RouteParsed<'adapters.list'>

/** Searches and sorts the list of adapters. */
export function selectAdapters(adapters: readonly Adapter[], { search, sort }: Query): Adapter[] {
  const wanted = search.trim().toLocaleLowerCase()
  const matches = (adapter: Adapter) =>
    [adapter.name, adapter.baseModelId, adapter.datasetName].some((text) => text.toLocaleLowerCase().includes(wanted))
  return adapters.filter((adapter) => wanted === '' || matches(adapter)).toSorted(orders[sort])
}

const newest = (a: Adapter, b: Adapter) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1)

const orders: Readonly<Record<Query['sort'], (a: Adapter, b: Adapter) => number>> = {
  newest,
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }) || newest(a, b),
  // "Not rated" comes last: it says nothing either way.
  health: (a, b) => (b.health.stars ?? 0) - (a.health.stars ?? 0) || newest(a, b),
}
