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
    'runs.enqueue': ({ config, name, retryOf }) => service.enqueue(config, name, retryOf ?? null),
    'runs.getQueue': () => service.queue.view(),
    'runs.updateQueue': (changes) => service.queue.update(changes),
    'runs.pauseQueue': () => service.queue.pause(),
    'runs.resumeQueue': () => service.queue.resume(),
    'runs.recountQueue': () => service.queue.recount(),
    'runs.moveQueued': ({ id, toIndex }) => service.queue.move(id, toIndex),
    'runs.leaveQueue': ({ id }) => service.queue.leave(id),
    'runs.agreeToPrice': ({ id, priceMicroUsdPerHour }) => service.queue.agreeToPrice(id, priceMicroUsdPerHour),
    'runs.stop': ({ id, mode }) => service.stop(id, mode),
    'runs.endWorkers': ({ id }) => service.endWorkers(id),
    'runs.rescue': ({ id }) => service.rescue(id),
    'runs.rename': ({ id, name }) => service.rename(id, name),
    'runs.delete': ({ id }) => {
      service.delete(id)
      return { done: true }
    },
    'runs.listMetrics': ({ id, afterStep }) => service.listMetrics(id, afterStep),
    'runs.listLog': (input) => service.log.list(input),
    'runs.searchLog': (input) => service.log.search(input),
    'runs.copyLog': (input) => service.log.copy(input),
    'runs.exportLog': (input, { windowId }) => service.log.export(input, windowId),
    'runs.listEvents': ({ id }) => service.listEvents(id),
    'runs.listSamples': ({ id }) => service.listSamples(id),
    'runs.listMaskSamples': ({ id }) => service.listMaskSamples(id),
    'runs.exportMetricsCsv': ({ id }, { windowId }) => service.exportMetricsCsv(id, windowId),
  }
}
