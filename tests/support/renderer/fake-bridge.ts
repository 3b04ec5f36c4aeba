import type { RouteInput, RouteName, RouteOutput } from '../../../preload/contract/contract.ts'
import type { ErrorEnvelope } from '../../../preload/contract/errors.ts'

type Answers = { [R in RouteName]?: (input: RouteInput<R>) => RouteOutput<R> | Promise<RouteOutput<R>> }

/** A call the window made. */
export interface BridgeCall {
  readonly route: string
  readonly input: unknown
}

/** Puts a stand-in of main on `window`: answers by route, keeps the calls, sends events. */
export function installFakeBridge(answers: Answers) {
  const calls: BridgeCall[] = []
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  const answer = async (route: string, input: unknown) => {
    calls.push({ route, input })
    const make = answers[route as RouteName] as ((input: unknown) => unknown) | undefined
    if (make === undefined) return { ok: false, error: { code: 'UNKNOWN_ROUTE', message: `No answer for ${route}.`, retryable: false } }
    try {
      return { ok: true, data: await make(input) }
    } catch (error) {
      return { ok: false, error: error as ErrorEnvelope }
    }
  }
  Object.defineProperty(window, 'tunesmith', {
    configurable: true,
    value: {
      invoke: (route: string, input: unknown) => answer(route, input),
      invokeWithFile: (route: string, file: unknown) => answer(route, file),
      on(event: string, listener: (payload: unknown) => void) {
        const known = listeners.get(event) ?? new Set()
        listeners.set(event, known.add(listener))
        return () => void known.delete(listener)
      },
    },
  })
  return {
    calls,
    /** Inputs of every call of one route, in order. */
    inputsOf: (route: RouteName) => calls.filter((call) => call.route === route).map(({ input }) => input),
    emit(event: string, payload: unknown) {
      for (const listener of listeners.get(event) ?? []) listener(payload)
    },
  }
}
