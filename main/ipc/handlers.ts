import type { FeatureHandlers, HandlerTable } from './router.ts'

interface FeatureTables {
  readonly datasets: FeatureHandlers<'datasets'>
  readonly models: FeatureHandlers<'models'>
  readonly runs: FeatureHandlers<'runs'>
  readonly adapters: FeatureHandlers<'adapters'>
  readonly endpoints: FeatureHandlers<'endpoints'>
  readonly endpointSetups: FeatureHandlers<'endpointSetups'>
  readonly costs: FeatureHandlers<'costs'>
  readonly notifications: FeatureHandlers<'notifications'>
  readonly settings: FeatureHandlers<'settings'>
}

/** The one table of all routes; a missing or an extra handler does not compile. */
export function joinHandlers(tables: FeatureTables): HandlerTable {
  return {
    ...tables.datasets,
    ...tables.models,
    ...tables.runs,
    ...tables.adapters,
    ...tables.endpoints,
    ...tables.endpointSetups,
    ...tables.costs,
    ...tables.notifications,
    ...tables.settings,
  }
}
