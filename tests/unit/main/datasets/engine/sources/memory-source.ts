import { createProblemLog } from '../../../../../../main/features/datasets/engine/sources/problem-log.ts'
import { readSource } from '../../../../../../main/features/datasets/engine/sources/read-source.ts'
import { createRowWriter } from '../../../../../../main/features/datasets/engine/sources/row-writer.ts'
import { sniffInput } from '../../../../../../main/features/datasets/engine/sources/sniff.ts'
import type { SourceProblem, SourceSniff } from '../../../../../../main/features/datasets/engine/sources/source-types.ts'

/** A source that lies in memory and is handed out in chunks of a chosen size. */
export function memorySource(content: Buffer | string, chunkBytes = 64 * 1024) {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return {
    sizeBytes: bytes.length,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        // The real file re-uses its buffer, so a reader that keeps a chunk must fail here, too.
        const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes))
        yield await Promise.resolve(chunk)
        chunk.fill(0x3f)
      }
    },
    readAt: (position: number, length: number) => Promise.resolve(Buffer.from(bytes.subarray(position, position + length))),
  }
}

/** What reading a source gave. */
export interface ReadRows {
  readonly sniff: SourceSniff
  readonly rows: string[]
  readonly lines: number[]
  readonly problems: readonly SourceProblem[]
  readonly blankLines: number
}

/** Sniffs and reads a source in memory from beginning to end. */
export async function readAll(
  content: Buffer | string,
  { chunkBytes, sniff, maxRowBytes }: { chunkBytes?: number; sniff?: SourceSniff; maxRowBytes?: number } = {},
): Promise<ReadRows> {
  const source = memorySource(content, chunkBytes)
  const found = sniff ?? (await sniffInput(source))
  const log = createProblemLog()
  const writer = createRowWriter({
    onProblem: (line, kind) => {
      log.add(0, line, kind)
    },
    ...(maxRowBytes === undefined ? {} : { maxRowBytes }),
  })
  const rows: string[] = []
  const lines: number[] = []
  const drain = () => {
    const taken = writer.take()
    const text = taken.bytes.toString('utf8')
    if (text !== '') rows.push(...text.slice(0, -1).split('\n'))
    lines.push(...taken.lines)
    return Promise.resolve(true)
  }
  const { blankLines } = await readSource({ file: source, sniff: found, writer, drain })
  await drain()
  return { sniff: found, rows, lines, problems: log.problems, blankLines }
}

/** Kinds and lines of problems, for comparing. */
export function briefly(problems: readonly SourceProblem[]): string[] {
  return problems.map(({ kind, line }) => `${kind}@${line}`)
}
