import type { FeatureHandlers } from '../../ipc/router.ts'
import type { CostService } from './service.ts'

/** The routes of the costs. */
export function createCostHandlers(service: CostService): FeatureHandlers<'costs'> {
  return { 'costs.list': (query) => service.list(query) }
}
