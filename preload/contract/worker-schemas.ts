import { z } from 'zod'
import * as actions from './worker-actions.ts'
import { progressSnapshotSchema, workerEventSchema } from './worker-events.ts'
import { jobReturnSchema, manifestSchema, trainInputSchema, workerResultSchema } from './worker.ts'

const schemas = {
  'train-input': trainInputSchema,
  'hello-input': actions.helloInputSchema,
  'hello-reply': actions.helloReplySchema,
  'put-input': actions.putInputSchema,
  'put-reply': actions.putReplySchema,
  'get-input': actions.getInputSchema,
  'get-reply': actions.getReplySchema,
  'list-input': actions.listInputSchema,
  'list-reply': actions.listReplySchema,
  'read-events-input': actions.readEventsInputSchema,
  'read-events-reply': actions.readEventsReplySchema,
  'mark-stop-input': actions.markStopInputSchema,
  'mark-stop-reply': actions.markStopReplySchema,
  'merge-input': actions.mergeInputSchema,
  'merge-reply': actions.mergeReplySchema,
  event: workerEventSchema,
  'progress-snapshot': progressSnapshotSchema,
  'job-return': jobReturnSchema,
  manifest: manifestSchema,
  result: workerResultSchema,
}

/** The trainer's half of the contract as JSON Schema text by file name; `trainer/contract/` holds exactly these files. */
export function trainerContractFiles(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(schemas).map(([name, schema]) => [`${name}.schema.json`, `${JSON.stringify(z.toJSONSchema(schema), null, 2)}\n`]),
  )
}
