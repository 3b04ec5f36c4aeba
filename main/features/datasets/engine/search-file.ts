import { stat } from 'node:fs/promises'
import { chooseRangeBytes, planRanges } from './pass/range-reader.ts'
import type { WorkerPool } from './pass/worker-pool.ts'

/** Lines of a plain file whose texts hold a text, in order; nothing needs to be indexed for it. */
export async function searchFile(pool: WorkerPool, path: string, text: string): Promise<number[]> {
  const { size, mtimeMs } = await stat(path)
  const found = new Map<number, Float64Array>()
  const ranges = planRanges(size, chooseRangeBytes(size))
  await pool.run({
    job: { path, fileBytes: size, changedAtMs: mtimeMs, mapping: null, pass: { kind: 'search', text } },
    ranges,
    priority: 5,
    signal: new AbortController().signal,
    onRange: (range, { columns }) => void found.set(range.number, new Float64Array(columns)),
  })
  const lines: number[] = []
  let before = 0
  for (const { number } of ranges) {
    const part = found.get(number)
    if (part === undefined) continue
    for (let at = 2; at < part.length; at += 2) lines.push(before + (part[at] as number) + 1)
    before += part[0] as number
  }
  return lines
}
