import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { createDatasetEngine } from '../engine.ts'
import { hostConfigSchema, type EngineMessage } from './protocol.ts'
import { createEngineServer } from './serve.ts'

/** The message port that Electron gives a utility process. */
interface ParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown }) => void): void
}

/** Below the windows: on a machine with two cores, scrolling must not wait for a thread that counts tokens. */
const niceness = 10

/** The threads that compile and collect garbage run already; on Linux each has a priority of its own. */
function lowerHelpers(): void {
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      setPriority(Number(thread), niceness)
    } catch (error) {
      // A thread that has ended since it was listed needs none.
      if (!(error instanceof Error)) throw error
    }
  }
}

function main(): void {
  // Threads that are started later take it over.
  setPriority(niceness)
  if (process.platform === 'linux') lowerHelpers()
  const config = hostConfigSchema.parse(JSON.parse(process.argv[2] ?? '{}'))
  const parentPort = Reflect.get(process, 'parentPort') as ParentPort | undefined
  const post = (message: EngineMessage) => {
    if (parentPort !== undefined) parentPort.postMessage(message)
    else process.send?.(message)
  }
  const engine = createDatasetEngine({
    workerScript: config.workerScript.startsWith('file:') ? new URL(config.workerScript) : config.workerScript,
    workers: config.workers,
    nativeBinding: config.nativeBinding,
    onTasks: (key, tasks) => post({ type: 'tasks', key, tasks }),
  })
  const receive = createEngineServer(engine, post)
  if (parentPort !== undefined) parentPort.on('message', ({ data }) => void receive(data))
  else {
    process.on('message', (message) => void receive(message))
    // Without its parent nobody would ever ask again.
    process.on('disconnect', () => process.exit(0))
  }
}

main()
