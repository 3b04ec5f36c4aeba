import type { FeatureHandlers } from '../../ipc/router.ts'
import type { BillReader } from './bill-reader.ts'
import type { CostService } from './service.ts'

/** The routes of the costs. */
export function createCostHandlers(service: CostService, bills: Pick<BillReader, 'readNow'>): FeatureHandlers<'costs'> {
  return {
    'costs.list': (query) => service.list(query),
    'costs.overview': ({ period }) => service.overview(period),
    'costs.check': async () => {
      await bills.readNow()
      return { done: true }
    },
    'costs.exportCsv': ({ period }, { windowId }) => service.exportCsv(period, windowId),
  }
}
