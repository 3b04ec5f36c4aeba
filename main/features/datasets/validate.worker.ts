import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { runFreeze } from './freeze-job.ts'
import { runValidation } from './validation-job.ts'
import type { BatchStored, WorkerJob, WorkerMessage } from './worker-protocol.ts'

/** Batches on their way to the database; more would only fill the memory. */
const maxBatchesInFlight = 4
const progressIntervalMs = 100

async function main(port: MessagePort, job: WorkerJob): Promise<void> {
  const post = (message: WorkerMessage) => port.postMessage(message)
  const room = createRoom(maxBatchesInFlight)
  port.on('message', (_message: BatchStored) => room.leave())
  let lastProgressMs = 0
  const onProgress = (doneBytes: number) => {
    const nowMs = performance.now()
    if (nowMs - lastProgressMs < progressIntervalMs) return
    lastProgressMs = nowMs
    post({ type: 'progress', doneBytes })
  }
  try {
    if (job.kind === 'freeze') {
      post({ type: 'frozen', report: await runFreeze(job.path, job.targetPath, onProgress) })
      return
    }
    const report = await runValidation(job.path, {
      onProgress,
      async onBatch(batch) {
        await room.enter()
        post({ type: 'batch', batch })
      },
    })
    post({ type: 'validated', report })
  } catch (error) {
    const systemCode = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
    post({ type: 'failed', systemCode, message: error instanceof Error ? error.message : String(error) })
  } finally {
    port.close()
  }
}

/** Lets so many in at once; the next one waits until somebody leaves. */
function createRoom(places: number): { enter(): Promise<void>; leave(): void } {
  const waiting: (() => void)[] = []
  let free = places
  return {
    async enter() {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => void waiting.push(resolve))
    },
    leave() {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    },
  }
}

if (parentPort !== null) await main(parentPort, workerData as WorkerJob)
