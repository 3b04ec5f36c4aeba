import { z } from 'zod'
import { queueReasonSchema, queueSettingsSchema } from '../../../../preload/contract/queue.ts'
import { idSchema, timeMsSchema } from '../../../../preload/contract/primitives.ts'
import type { SqliteDatabase } from '../../../db/open.ts'

/** What is stored of the queue besides its runs. */
export const queueStateSchema = z.object({
  v: z.literal(1),
  settings: queueSettingsSchema,
  paused: queueReasonSchema.nullable(),
  /** Ended runs count against the shared budget from here on. */
  countsSinceMs: timeMsSchema,
  /** Failures count from here on: since the user last let the queue go on. */
  failuresSinceMs: timeMsSchema,
  /** Waiting runs in the user's order; one that is not named here comes last. */
  order: z.array(idSchema),
})
export type QueueState = z.infer<typeof queueStateSchema>

const untouched: QueueState = {
  v: 1,
  settings: { budgetMicroUsd: null, runpodAtOnce: 1, onFailure: 'pause_after_two' },
  paused: null,
  countsSinceMs: 0,
  failuresSinceMs: 0,
  order: [],
}

export type QueueRepository = ReturnType<typeof createQueueRepository>

/** The one row of `run_queue`; no rules. */
export function createQueueRepository(db: SqliteDatabase) {
  const read = db.prepare('SELECT state_json FROM run_queue WHERE id = 1').pluck()
  const write = db.prepare(
    'INSERT INTO run_queue (id, state_json) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET state_json = excluded.state_json',
  )
  return {
    read(): QueueState {
      const text = read.get() as string | undefined
      return text === undefined ? untouched : queueStateSchema.parse(JSON.parse(text))
    },
    write: (state: QueueState) => void write.run(JSON.stringify(state)),
  }
}
