import type { FeatureHandlers } from '../../ipc/router.ts'
import type { AdapterService } from './service.ts'

const done = { done: true } as const

/** The routes of the adapters. */
export function createAdapterHandlers(service: AdapterService): FeatureHandlers<'adapters'> {
  return {
    'adapters.list': (input) => service.list(input),
    'adapters.get': ({ id }) => service.get(id),
    'adapters.rename': (input) => service.rename(input),
    'adapters.verify': ({ id }) => service.verify(id),
    'adapters.fetchAgain': ({ id }) => service.fetchAgain(id),
    'adapters.startDrag': async ({ id }, { windowId }) => {
      await service.startDrag(id, windowId)
      return done
    },
    'adapters.saveAs': (input, { windowId }) => service.saveAs(input, windowId),
    'adapters.reveal': async ({ id }) => {
      await service.reveal(id)
      return done
    },
    'adapters.copyPath': ({ id }) => service.copyPath(id),
    'adapters.delete': async ({ id }) => {
      await service.delete(id)
      return done
    },
  }
}
