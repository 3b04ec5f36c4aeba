import type { FeatureHandlers } from '../../ipc/router.ts'
import type { EndpointService } from './service.ts'

/** The routes of endpoints. */
export function createEndpointHandlers(service: EndpointService): FeatureHandlers<'endpoints'> {
  return {
    'endpoints.list': () => service.list(),
    'endpoints.get': ({ id }) => service.get(id),
    'endpoints.addRunpod': (input) => service.addRunpod(input),
    'endpoints.rename': ({ id, name }) => service.rename(id, name),
    'endpoints.replaceKey': ({ id, apiKey }) => service.replaceKey(id, apiKey),
    'endpoints.connectStorage': (input) => service.connectStorage(input),
    'endpoints.disconnectStorage': ({ id }) => service.disconnectStorage(id),
    'endpoints.testConnection': ({ id }) => service.testConnection(id),
    'endpoints.greet': ({ id }) => {
      service.startGreeting(id)
      return { done: true }
    },
    'endpoints.delete': async ({ id }) => {
      await service.delete(id)
      return { done: true }
    },
    'endpoints.localState': () => service.localState(),
    'endpoints.setUpLocal': () => {
      service.setUpLocal()
      return { done: true }
    },
    'endpoints.keychainStatus': () => service.keychainStatus(),
  }
}
