import { AppError } from '../../../../../preload/contract/errors.ts'
import type { DatasetEngine } from '../engine.ts'
import { explainFileError } from '../file-errors.ts'
import { callSchema, type EngineMessage } from './protocol.ts'

/** Answers calls that come in as messages. */
export function createEngineServer(engine: DatasetEngine, post: (message: EngineMessage) => void): (message: unknown) => Promise<void> {
  return async (message) => {
    const { id, method, args } = callSchema.parse(message)
    try {
      post({ type: 'answer', id, value: await callEngine(engine, method, args) })
    } catch (thrown) {
      const error = explainFileError(thrown)
      if (error instanceof AppError) {
        const { code, message: text, details, retryable } = error
        post({ type: 'refusal', id, error: { code, message: text, details, retryable } })
        return
      }
      post({
        type: 'fault',
        id,
        message: error instanceof Error ? error.message : String(error),
        stack: error instanceof Error ? (error.stack ?? '') : '',
      })
    }
  }
}

function callEngine(engine: DatasetEngine, method: string, args: readonly unknown[]): unknown {
  if (!Object.hasOwn(engine, method)) throw new Error(`The dataset engine has no ${method}.`)
  // Both ends are compiled against the same interface; the arguments were checked at the app's own border.
  const called: unknown = Reflect.get(engine, method)
  if (typeof called !== 'function') throw new Error(`The dataset engine has no ${method}.`)
  return Reflect.apply(called, engine, [...args])
}
