import { open } from 'node:fs/promises'
import type { ChatMessage, DatasetShape } from '../../../preload/contract/datasets.ts'
import { createLineSplitter, isBlankLine } from './line-splitter.ts'
import { maxRowBytes, parseRowBytes, type ParsedRow, type RowShape } from './parse-row.ts'

/** What the first rows of a file say about it. */
export interface FileFindings {
  readonly shape: DatasetShape | null
  readonly evidence: string
  readonly firstConversation: readonly ChatMessage[] | null
  /** Why the file cannot be used, with what to do; null when it can. */
  readonly problem: string | null
}

const sampleRows = 25
const sampleBytes = 256 * 1024

/** Looks at the first rows of a file; the name of the file plays no part. */
export async function previewFile(path: string): Promise<FileFindings> {
  const { head, rows } = await readSample(path)
  const problem = problemOfBytes(head)
  if (problem !== null) return unusable(problem)
  const conversations = rows.filter((row) => row.kind !== 'metadata')
  if (conversations.length === 0)
    return unusable(head.length === 0 ? 'The file is empty. Choose another file.' : 'The file holds no conversations, only blank lines.')
  const shapes = new Set(conversations.flatMap((row) => (row.shape === null ? [] : [row.shape])))
  if (shapes.size === 0 || isOpenList(head, conversations)) return unusable(problemOfRows(head, conversations))
  const shape = shapes.size > 1 ? 'mixed' : ([...shapes][0] ?? null)
  const first = conversations.find((row) => row.kind === 'conversation')
  return { shape, evidence: describeEvidence(conversations, shapes), firstConversation: first?.messages ?? null, problem: null }
}

async function readSample(path: string): Promise<{ head: Buffer; rows: ParsedRow[] }> {
  const rows: ParsedRow[] = []
  const splitter = createLineSplitter({
    maxLineBytes: maxRowBytes,
    onLine(line) {
      if (rows.length >= sampleRows) return
      if (line.bytes !== null && !isBlankLine(line.bytes)) rows.push(parseRowBytes(line.bytes))
    },
  })
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(sampleBytes)
    let head = Buffer.alloc(0)
    let position = 0
    // One row can be longer than the sample; go on until the first one is complete.
    while (rows.length === 0 && position <= maxRowBytes) {
      const { bytesRead } = await file.read(buffer, 0, sampleBytes, position)
      if (position === 0) head = Buffer.from(buffer.subarray(0, bytesRead))
      if (problemOfBytes(head) !== null) break
      position += bytesRead
      splitter.push(buffer.subarray(0, bytesRead))
      if (bytesRead < sampleBytes) {
        splitter.end()
        break
      }
    }
    return { head, rows }
  } finally {
    await file.close()
  }
}

function unusable(problem: string): FileFindings {
  return { shape: null, evidence: '', firstConversation: null, problem }
}

const signatures: readonly (readonly [bytes: readonly number[], problem: string])[] = [
  [[0xff, 0xfe], 'The file is encoded as UTF-16. Save it as UTF-8 and import it again.'],
  [[0xfe, 0xff], 'The file is encoded as UTF-16. Save it as UTF-8 and import it again.'],
  [[0x1f, 0x8b], 'The file is compressed (gzip). Unpack it and import the file inside.'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'The file is compressed (Zstandard). Unpack it and import the file inside.'],
  [[0x50, 0x4b, 0x03, 0x04], 'The file is a ZIP archive or an office document. Unpack it, or export the conversations as JSON Lines.'],
  [[0x50, 0x41, 0x52, 0x31], 'The file is a Parquet table. Export it as JSON Lines and import that.'],
  [[0x25, 0x50, 0x44, 0x46], 'The file is a PDF. Conversations are needed as JSON Lines: one per line.'],
]

function problemOfBytes(head: Buffer): string | null {
  const known = signatures.find(([bytes]) => bytes.every((byte, index) => head[index] === byte))
  if (known !== undefined) return known[1]
  return head.includes(0) ? 'The file is not a text file. Conversations are needed as JSON Lines: one per line.' : null
}

/** A list written over several lines; its last element alone would look like a good row. */
function isOpenList(head: Buffer, rows: readonly ParsedRow[]): boolean {
  const first = rows[0]
  return startOf(head).startsWith('[') && first?.kind === 'faulty' && first.faults.some((fault) => fault.code === 'JSON_INVALID')
}

function startOf(head: Buffer): string {
  return head.toString('utf8').replace(/^\ufeff?\s*/, '')
}

function problemOfRows(head: Buffer, rows: readonly ParsedRow[]): string {
  const start = startOf(head)
  const first = rows[0]
  const firstFault = first?.kind === 'faulty' ? first.faults[0] : undefined
  if (start.startsWith('[')) {
    return 'The file is one JSON list. Save it as JSON Lines: each conversation on a line of its own, without the outer brackets and commas.'
  }
  if (start.startsWith('{') && firstFault?.code === 'JSON_INVALID' && /^\{\s*\r?\n/.test(start)) {
    return 'Each conversation is spread over several lines. Save the file as JSON Lines: one conversation per line.'
  }
  const unknown = rows.flatMap((row) => (row.kind === 'faulty' ? row.faults : [])).find((fault) => fault.code === 'SHAPE_UNKNOWN')
  if (unknown !== undefined) return `No conversation was recognised. ${unknown.message} ${unknown.suggestion}`
  if (start.startsWith('{') && firstFault !== undefined)
    return `No conversation was recognised. ${firstFault.message} ${firstFault.suggestion}`
  return 'No line of the file is a JSON object. Conversations are needed as JSON Lines: one per line, such as {"messages": […]}.'
}

const shapeEvidence: Readonly<Record<RowShape, string>> = {
  messages: 'a "messages" list (OpenAI chat)',
  turns: 'a "turns" list',
  brightrun: 'a history, a question and a target response (BrightRun v4)',
  conversations: 'a "conversations" list',
}

function describeEvidence(rows: readonly Exclude<ParsedRow, { kind: 'metadata' }>[], shapes: ReadonlySet<RowShape>): string {
  const counted = [...shapes].map((shape) => ({ shape, count: rows.filter((row) => row.shape === shape).length }))
  const sample = rows.length === 1 ? 'the first row' : `the first ${rows.length} rows`
  const parts = counted.map(({ shape, count }) => `${count} of ${sample} ${count === 1 ? 'has' : 'have'} ${shapeEvidence[shape]}`)
  const only = counted[0]
  if (counted.length === 1 && only !== undefined && only.count === rows.length) {
    return rows.length === 1
      ? `The first row has ${shapeEvidence[only.shape]}.`
      : `Each of the first ${rows.length} rows has ${shapeEvidence[only.shape]}.`
  }
  return `${parts.join('; ')}.`
}
