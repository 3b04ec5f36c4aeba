import type { Bridge } from '../../preload/contract/channels.ts'
import type { EventName, EventPayload, RouteInput, RouteName, RouteOutput } from '../../preload/contract/contract.ts'
import { AppError, type IpcAnswer } from '../../preload/contract/errors.ts'

declare global {
  interface Window {
    readonly tunesmith: Bridge
  }
}

function unwrap<R extends RouteName>(answer: unknown): RouteOutput<R> {
  // Main builds every answer itself and checks it against the same schemas.
  const envelope = answer as IpcAnswer
  if (envelope.ok) return envelope.data as RouteOutput<R>
  const { code, message, details, retryable } = envelope.error
  throw new AppError(code, message, { details, retryable })
}

/** The typed client of main: requests answer or throw an AppError, events call back. */
export const bridge = {
  async invoke<R extends RouteName>(route: R, input: RouteInput<R>): Promise<RouteOutput<R>> {
    return unwrap<R>(await window.tunesmith.invoke(route, input))
  },
  on<E extends EventName>(event: E, listener: (payload: EventPayload<E>) => void): () => void {
    return window.tunesmith.on(event, (payload) => listener(payload as EventPayload<E>))
  },
  /** Asks main what a dropped file is; only the preload can name its path. */
  async previewDroppedFile(file: File): Promise<RouteOutput<'datasets.previewDrop'>> {
    return unwrap<'datasets.previewDrop'>(await window.tunesmith.invokeWithFile('datasets.previewDrop', file))
  },
}
