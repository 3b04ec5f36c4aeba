import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createThreadValidator } from '../../../main/features/datasets/thread-validator.ts'
import type { Benchmark } from '../benchmark.ts'
import { writeCorpus } from '../corpus.ts'

const corpusBytes = 50_000_000
const workerScript = new URL('../../../main/features/datasets/validate.worker.ts', import.meta.url)

/** The check of a dataset as the app does it, in a thread of its own. */
export const datasetsCheck: Benchmark = {
  name: 'datasets.check',
  work: 'checks 50 MB of conversations: encoding, JSON, fields, role order, duplicates, SHA-256, place of each row',
  against: '`readline`, `JSON.parse` and a plain loop over the fields',
  target: 5,
  rounds: 5,
  async prepare(folder) {
    const path = join(folder, 'corpus.jsonl')
    await writeCorpus(path, 7, corpusBytes)
    const validator = createThreadValidator({ script: workerScript })
    return {
      reference: { run: () => countUsableRows(path) },
      tunesmith: {
        async run() {
          const options = { signal: new AbortController().signal, onProgress: () => undefined, onBatch: () => undefined }
          const report = await validator.validate(path, options)
          return report.stats.validRows
        },
      },
    }
  },
}

/** Usable rows of a file, found in the plainest way; nothing is explained. */
async function countUsableRows(path: string): Promise<number> {
  let usable = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== '' && isUsable(line)) usable += 1
  }
  return usable
}

function isUsable(line: string): boolean {
  const row = parse(line)
  const messages: unknown = isRecord(row) ? row['messages'] : undefined
  if (!Array.isArray(messages)) return false
  let expected = 'user'
  for (const [index, message] of messages.entries()) {
    if (!isRecord(message)) return false
    const { role, content } = message
    if (typeof content !== 'string' || content.trim() === '') return false
    if (role === 'system' && index === 0) continue
    if (role !== expected) return false
    expected = expected === 'user' ? 'assistant' : 'user'
  }
  return messages.length > 1 && expected === 'user'
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
