import type { z } from 'zod'
import { adapterEvents, adapterRoutes } from './adapters.ts'
import { costEvents, costRoutes } from './costs.ts'
import { datasetEvents, datasetRoutes } from './dataset-routes.ts'
import { endpointEvents, endpointRoutes } from './endpoints.ts'
import { endpointSetupEvents, endpointSetupRoutes } from './endpoint-setups.ts'
import { modelRoutes } from './models.ts'
import { notificationEvents, notificationRoutes } from './notifications.ts'
import { queueEvents, queueRoutes } from './queue.ts'
import { runLogRoutes } from './run-log.ts'
import { runEvents, runRoutes } from './runs.ts'
import { settingsEvents, settingsRoutes } from './settings.ts'

/** Every request the renderer may make. */
export const routes = {
  ...datasetRoutes,
  ...modelRoutes,
  ...runRoutes,
  ...runLogRoutes,
  ...queueRoutes,
  ...adapterRoutes,
  ...endpointRoutes,
  ...endpointSetupRoutes,
  ...costRoutes,
  ...notificationRoutes,
  ...settingsRoutes,
}

/** Every event main may send. */
export const events = {
  ...datasetEvents,
  ...runEvents,
  ...queueEvents,
  ...adapterEvents,
  ...endpointEvents,
  ...endpointSetupEvents,
  ...costEvents,
  ...notificationEvents,
  ...settingsEvents,
}

export type Routes = typeof routes
export type RouteName = keyof Routes
/** What a caller passes (defaults may be left out). */
export type RouteInput<R extends RouteName> = z.input<Routes[R]['input']>
/** What a handler receives after parsing. */
export type RouteParsed<R extends RouteName> = z.output<Routes[R]['input']>
export type RouteOutput<R extends RouteName> = z.output<Routes[R]['output']>

export type EventName = keyof typeof events
export type EventPayload<E extends EventName> = z.output<(typeof events)[E]>
