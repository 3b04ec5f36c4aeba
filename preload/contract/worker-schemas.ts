import { z } from 'zod'
import {
  helloInputSchema,
  helloReplySchema,
  jobReturnSchema,
  manifestSchema,
  progressSnapshotSchema,
  trainInputSchema,
  workerEventSchema,
  workerResultSchema,
} from './worker.ts'

const schemas = {
  'train-input': trainInputSchema,
  'hello-input': helloInputSchema,
  'hello-reply': helloReplySchema,
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
