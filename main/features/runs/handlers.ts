import type { FeatureHandlers } from '../../ipc/router.ts'
import type { RunService } from './service.ts'

/** The routes of runs. */
export function createRunHandlers(service: RunService): FeatureHandlers<'runs'> {
  return {
    'runs.list': (input) => service.list(input),
    'runs.get': ({ id }) => service.get(id),
    'runs.resolvePreset': (input) => service.resolvePreset(input),
    'runs.estimate': (config) => service.estimate(config),
    'runs.preflight': (config) => service.preflight(config),
    'runs.start': ({ config, name, retryOf }) => service.start(config, name, retryOf ?? null),
    'runs.stop': ({ id, mode }) => service.stop(id, mode),
    'runs.rename': ({ id, name }) => service.rename(id, name),
    'runs.delete': ({ id }) => {
      service.delete(id)
      return { done: true }
    },
    'runs.listMetrics': ({ id, afterStep }) => service.listMetrics(id, afterStep),
    'runs.listLog': (input) => service.listLog(input),
    'runs.listEvents': ({ id }) => service.listEvents(id),
    'runs.listSamples': ({ id }) => service.listSamples(id),
    'runs.listMaskSamples': ({ id }) => service.listMaskSamples(id),
    'runs.exportMetricsCsv': ({ id }, { windowId }) => service.exportMetricsCsv(id, windowId),
  }
}
