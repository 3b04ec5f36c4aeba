import type { DatasetTask } from '../../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { assertNever } from '../../../../lib/assert-never.ts'
import type { DatasetEngine } from '../engine.ts'
import { engineMessageSchema, type Call } from './protocol.ts'

/** A running process of the engine, however it was started. */
export interface EngineProcess {
  post(message: Call): void
  onMessage(listener: (message: unknown) => void): void
  onExit(listener: (code: number | null) => void): void
  kill(): void
}

/** The engine as the main process sees it: every function answers later. */
export type EngineClient = {
  readonly [Name in keyof DatasetEngine]: (...args: Parameters<DatasetEngine[Name]>) => Promise<Awaited<ReturnType<DatasetEngine[Name]>>>
}

/** A client that starts the process when it is needed, and anew after it ended. */
export interface EngineConnection {
  readonly engine: EngineClient
  /** Ends the process in an orderly way. */
  close(): Promise<void>
}

interface Running {
  readonly process: EngineProcess
  readonly waiting: Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>
}

/** Connects to the engine. */
export function connectEngine(options: {
  readonly start: () => EngineProcess
  readonly onTasks: (key: string, tasks: DatasetTask[]) => void
  /** Called when the process ended without being asked to; open datasets are gone then. */
  readonly onEnded: (code: number | null) => void
}): EngineConnection {
  let running: Running | null = null
  let isClosed = false
  let nextId = 1

  const start = (): Running => {
    const started: Running = { process: options.start(), waiting: new Map() }
    started.process.onMessage((message) => receive(started, message))
    started.process.onExit((code) => {
      if (running === started) running = null
      for (const { reject } of started.waiting.values()) reject(endedError())
      started.waiting.clear()
      if (!isClosed) options.onEnded(code)
    })
    return started
  }
  const receive = ({ waiting }: Running, raw: unknown) => {
    const message = engineMessageSchema.parse(raw)
    if (message.type === 'tasks') {
      options.onTasks(message.key, message.tasks)
      return
    }
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    switch (message.type) {
      case 'answer':
        return call?.resolve(message.value)
      case 'refusal': {
        const { code, message: text, details, retryable } = message.error
        return call?.reject(new AppError(code, text, { details, retryable }))
      }
      case 'fault':
        return call?.reject(Object.assign(new Error(message.message), { stack: message.stack }))
      default:
        assertNever(message)
    }
  }
  const call = (method: string, args: unknown[]) =>
    new Promise((resolve, reject) => {
      if (isClosed) {
        reject(endedError())
        return
      }
      running ??= start()
      const id = nextId
      nextId += 1
      running.waiting.set(id, { resolve, reject })
      running.process.post({ type: 'call', id, method, args })
    })

  const engine = new Proxy(
    {},
    {
      // A promise asks for "then" when the client is returned from an async function.
      get: (_target, name) => (typeof name === 'string' && name !== 'then' ? (...args: unknown[]) => call(name, args) : undefined),
    },
  ) as EngineClient
  return {
    engine,
    async close() {
      if (running !== null) {
        const { process } = running
        const ended = new Promise<void>((resolve) => process.onExit(() => resolve()))
        const disposed = call('dispose', [])
        isClosed = true
        await Promise.race([disposed.catch(() => undefined), ended])
        process.kill()
        await ended
      }
      isClosed = true
    },
  }
}

function endedError(): AppError {
  return new AppError('DATASET_ENGINE_ENDED', 'The work on the dataset was interrupted. Try again; it goes on where it stopped.', {
    retryable: true,
  })
}
