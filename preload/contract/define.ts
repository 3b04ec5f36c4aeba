import type { z } from 'zod'

/** One request route: what the renderer may send and what main must answer. */
export interface RouteDefinition {
  readonly input: z.ZodType
  readonly output: z.ZodType
  /** True when the input holds a secret, so that nothing of it is ever logged. */
  readonly isSensitive?: true
}

/** Keeps the literal types of a route table while checking its shape. */
export function defineRoutes<const T extends Record<string, RouteDefinition>>(routes: T): T {
  return routes
}

/** Keeps the literal types of an event table while checking its shape. */
export function defineEvents<const T extends Record<string, z.ZodType>>(events: T): T {
  return events
}
