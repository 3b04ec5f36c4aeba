import type { FeatureHandlers } from '../../../ipc/router.ts'
import type { SetupService } from './service.ts'

/** The routes of endpoints that the app makes. */
export function createSetupHandlers(service: SetupService): FeatureHandlers<'endpointSetups'> {
  return {
    'endpointSetups.list': () => service.list(),
    'endpointSetups.propose': (input) => service.propose(input),
    'endpointSetups.create': (input) => service.create(input),
    'endpointSetups.continue': (input) => service.continue(input),
    'endpointSetups.remove': (input) => service.remove(input),
    'endpointSetups.updateWorker': async ({ id }) => {
      await service.updateWorker(id)
      return { done: true }
    },
  }
}
