import { utilityProcess } from 'electron'
import type { EngineProcess } from '../features/datasets/engine/host/connect.ts'
import type { HostConfig } from '../features/datasets/engine/host/protocol.ts'

/** Starts the dataset engine in a process of its own, which may end without taking a window with it. */
export function startEngineProcess(script: string, config: HostConfig): EngineProcess {
  // Its environment is empty: what it needs stands in the configuration.
  const child = utilityProcess.fork(script, [JSON.stringify(config)], { serviceName: 'Tunesmith datasets', env: {}, stdio: 'inherit' })
  return {
    post: (message) => child.postMessage(message),
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) => void child.on('exit', listener),
    kill: () => void child.kill(),
  }
}
