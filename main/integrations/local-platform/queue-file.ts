import { mkdir, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { writeFileAtomically } from '../../lib/atomic-file.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { emptyQueue, jobRecordSchema, recoverQueue, type JobQueue } from '../runpod-protocol/job-queue.ts'

const fileSchema = z.object({
  v: z.literal(1),
  jobs: z.array(jobRecordSchema),
  totals: z.object({ completed: z.int(), failed: z.int(), retried: z.int() }),
})

/** The queue on disk, so that jobs survive the app. */
export interface QueueFile {
  load(): Promise<JobQueue>
  /** Resolves once a state at least as new as this one is on disk; writes that overtake each other are merged. */
  save(queue: JobQueue): Promise<void>
}

/** Builds the file access; a damaged file is set aside, never overwritten. */
export function createQueueFile({ path, clock, log }: { path: string; clock: Clock; log: Log }): QueueFile {
  let newest: JobQueue = emptyQueue
  let running: Promise<void> = Promise.resolve()
  let scheduled: Promise<void> | null = null

  const writeNewest = async () => {
    scheduled = null
    const { jobs, totals } = newest
    await writeFileAtomically(path, JSON.stringify({ v: 1, jobs, totals }))
  }
  return {
    async load() {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const text = await readFile(path, 'utf8').catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
        throw error
      })
      if (text === undefined) return emptyQueue
      const parsed = fileSchema.safeParse(parseJson(text))
      if (parsed.success) return recoverQueue(parsed.data, clock.nowMs())
      const asideName = `${path}.damaged-${clock.nowMs()}`
      await rename(path, asideName)
      log.error('The list of local jobs could not be read and was set aside; runs go on from their checkpoints', { asideName })
      return emptyQueue
    },
    save(queue) {
      newest = queue
      if (scheduled === null) {
        scheduled = running.then(writeNewest)
        running = scheduled.catch(() => undefined)
      }
      return scheduled
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Reported by the schema, which refuses undefined.
    return undefined
  }
}
