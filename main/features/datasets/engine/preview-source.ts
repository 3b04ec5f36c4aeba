import { shapeNames } from '../../../../preload/contract/dataset-shapes.ts'
import type { ChatMessage, ColumnMapping, DatasetShape, FilePreview, PreviewRow, RowShape } from '../../../../preload/contract/datasets.ts'
import { detectShape } from './rows/shapes.ts'
import { createRowReader } from './rows/row-reader.ts'
import { rules } from './rows/rules.ts'
import { readFirstRows } from './sources/read-first-rows.ts'
import { sniffSource } from './sources/sniff.ts'
import { suggestMapping } from './suggest-mapping.ts'

/** What the first bytes and rows of a file say about it. */
export type SourcePreview = Omit<FilePreview, 'token' | 'fileName' | 'sizeBytes' | 'existingDatasetId'>

const sampleRows = 25
const shownRows = 8
const shownCharacters = 2000

/** Looks at the first rows of a file; the name of the file plays no part. */
export async function previewSource(path: string): Promise<SourcePreview> {
  const sniff = await sniffSource(path)
  const { format, compression, encoding, evidence } = sniff
  if (sniff.problem !== null) {
    return { ...nothing, format: null, evidence: '', problem: `${sniff.problem.message} ${sniff.problem.suggestion}` }
  }
  const described = { format, compression, encoding, evidence: [...evidence] }
  const first = await readFirstRows(path, sniff, sampleRows)
  if (first.length === 0) {
    return { ...nothing, format: described, evidence: evidence.join(' '), problem: 'The file holds no rows. Choose another file.' }
  }
  const { rows, shapes, keys, reasons } = readSample(first, null)
  const shape: DatasetShape | null = shapes.size > 1 ? 'mixed' : ([...shapes][0] ?? null)
  const columns = shape === null ? (sniff.columns ?? [...keys]) : null
  const isReadable = shape !== null || keys.size > 0
  return {
    format: described,
    shape,
    evidence: shape === null ? '' : describeShape(shape, shapes, reasons, first.length),
    rows: rows.slice(0, shownRows),
    firstConversation: rows.find((row) => row.messages !== null)?.messages ?? null,
    columns: columns !== null && columns.length > 0 ? columns : null,
    suggestedMapping: columns === null ? null : suggestMapping(columns),
    problem: isReadable ? null : (rows[0]?.problem ?? 'The rows cannot be read. Choose another file.'),
  }
}

/** The first rows of a file as they are, with what is known of their layout. */
export async function previewRows(path: string, limit: number): Promise<{ evidence: string; rows: PreviewRow[] }> {
  const sniff = await sniffSource(path)
  const { rows } = readSample(await readFirstRows(path, sniff, limit), null)
  return { evidence: sniff.evidence.join(' '), rows }
}

const nothing = { shape: null, rows: [] as PreviewRow[], firstConversation: null, columns: null, suggestedMapping: null }

/** The first rows of a file as they would be read with a mapping. */
export async function previewMapping(path: string, mapping: ColumnMapping): Promise<PreviewRow[]> {
  const sniff = await sniffSource(path)
  return readSample(await readFirstRows(path, sniff, shownRows), mapping).rows
}

interface Sample {
  readonly rows: PreviewRow[]
  readonly shapes: ReadonlySet<RowShape>
  /** Keys of rows whose shape is not known, in the order in which they appear. */
  readonly keys: ReadonlySet<string>
  readonly reasons: ReadonlySet<string>
}

function readSample(first: readonly { line: number; text: string }[], mapping: ColumnMapping | null): Sample {
  const reader = createRowReader({ mapping })
  const shapes = new Set<RowShape>()
  const keys = new Set<string>()
  const reasons = new Set<string>()
  const rows: PreviewRow[] = []
  for (const { line, text } of first) {
    const reading = reader.read(Buffer.from(text))
    if (reading.isMetadata) continue
    if (reading.shape !== null) {
      shapes.add(reading.shape)
      reasons.add(detectShape(reading.value, mapping)?.evidence ?? '')
    } else if (typeof reading.value === 'object' && reading.value !== null && !Array.isArray(reading.value)) {
      for (const key of Object.keys(reading.value)) keys.add(key)
    }
    const fault = reading.faults.find(({ rule }) => rules[rule]?.severity === 'error')
    rows.push({ line, text: text.slice(0, shownCharacters), messages: messagesOf(reading.content), problem: fault?.message ?? null })
  }
  return { rows, shapes, keys, reasons }
}

function messagesOf(content: { messages: readonly ChatMessage[]; text: string | null } | null): ChatMessage[] | null {
  if (content === null) return null
  return content.text === null ? [...content.messages] : [{ role: 'assistant', content: content.text }]
}

function describeShape(shape: DatasetShape, shapes: ReadonlySet<RowShape>, reasons: ReadonlySet<string>, rows: number): string {
  if (shape === 'mixed') return `The first ${rows} rows have several layouts: ${[...shapes].map((one) => shapeNames[one]).join(', ')}.`
  const reason = [...reasons].find((one) => one !== '')
  return reason === undefined ? '' : `${reason}.`
}
