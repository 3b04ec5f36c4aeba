/** The one IPC channel for requests, and the one for events. */
export const INVOKE_CHANNEL = 'tunesmith:invoke'
export const EVENT_CHANNEL = 'tunesmith:event'
export const SUBSCRIBE_CHANNEL = 'tunesmith:subscribe'

/** What the preload puts on `window.tunesmith`. */
export interface Bridge {
  invoke(route: string, input: unknown): Promise<unknown>
  on(event: string, listener: (payload: unknown) => void): () => void
  /** Invokes a route about a file the user dropped; only the preload can name its path. */
  invokeWithFile(route: string, file: unknown): Promise<unknown>
}
