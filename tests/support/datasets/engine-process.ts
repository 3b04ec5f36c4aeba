import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { EngineProcess } from '../../../main/features/datasets/engine/host/connect.ts'

const host = fileURLToPath(new URL('../../../main/features/datasets/engine/host/engine-host.ts', import.meta.url))
const workerScript = new URL('../../../main/features/datasets/engine/pass/pass.worker.ts', import.meta.url).href

/** Starts the real engine in a plain Node process; `onStart` gets the process, so that a test can kill it. */
export function startTestEngine(onStart: (child: ChildProcess) => void = () => undefined): EngineProcess {
  const config = { workerScript, workers: 2 }
  const child = fork(host, [JSON.stringify(config)], { serialization: 'advanced', stdio: 'inherit' })
  onStart(child)
  return {
    post(message) {
      // A process that has just ended answers through its exit.
      child.send(message, () => undefined)
    },
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) => void child.on('exit', listener),
    kill: () => void child.kill('SIGKILL'),
  }
}
