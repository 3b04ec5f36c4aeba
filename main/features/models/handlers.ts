import type { FeatureHandlers } from '../../ipc/router.ts'
import type { ModelService } from './service.ts'

/** The routes of the base models. */
export function createModelHandlers(service: ModelService): FeatureHandlers<'models'> {
  return {
    'models.list': () => [...service.list()],
    'models.describe': ({ model }) => service.describe(model),
    'models.pickFolder': (_input, { windowId }) => service.pickFolder(windowId),
  }
}
