import { readSource } from './read-source.ts'
import { createRowWriter } from './row-writer.ts'
import { openSourceFile } from './source-file.ts'
import type { SourceSniff } from './source-types.ts'
import { AppError } from '../../../../../preload/contract/errors.ts'

/** A row with its true line. */
export interface FirstRow {
  readonly line: number
  readonly text: string
}

/** Reads the first rows of a file as one line of JSON text each; for previews. */
export async function readFirstRows(path: string, sniff: SourceSniff, limit: number): Promise<FirstRow[]> {
  if (sniff.problem !== null) throw new AppError('DATASET_FILE_UNREADABLE', `${sniff.problem.message} ${sniff.problem.suggestion}`)
  const file = await openSourceFile({ path })
  try {
    const rows: FirstRow[] = []
    const writer = createRowWriter({ onProblem: () => undefined, maxRows: limit })
    const collect = () => {
      const { bytes, lines } = writer.take()
      let at = 0
      for (const line of lines) {
        const end = bytes.indexOf(0x0a, at)
        if (rows.length < limit) rows.push({ line, text: bytes.toString('utf8', at, end) })
        at = end + 1
      }
      return rows.length < limit
    }
    if (limit > 0) await readSource({ file, sniff, writer, drain: () => Promise.resolve(collect()) })
    collect()
    return rows
  } finally {
    await file.close()
  }
}
