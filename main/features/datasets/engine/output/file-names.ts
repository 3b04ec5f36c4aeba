import type { ExportLayout, SplitName } from '../../../../../preload/contract/datasets.ts'
import type { LayoutPart } from './layouts/layout-row.ts'

/** mlx-lm looks for `valid`, and Hugging Face understands it too; the others are written as Hugging Face spells them. */
const layoutsReadByMlx: ReadonlySet<ExportLayout> = new Set<ExportLayout>(['openai', 'prompt_completion'])
const reservedNames = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i

/** What decides the name of a data file. */
export interface DataFilePlace {
  readonly split: SplitName | null
  readonly part: LayoutPart
}

/** Name of a data file; the part is named only where an export has several. */
export function dataFileName(layout: ExportLayout, baseName: string, place: DataFilePlace, hasSeveralParts: boolean): string {
  const stem = place.split === null ? safeFileName(baseName) : splitWord(layout, place.split)
  const part = hasSeveralParts && place.part !== 'conversations' ? `-${place.part}` : ''
  return `${stem}${part}.${layout === 'parquet_messages' ? 'parquet' : 'jsonl'}`
}

/** Name of an entry of `dataset_info.json`; training configurations list several of them with commas between. */
export function datasetEntryName(baseName: string, place: DataFilePlace, hasSeveralParts: boolean): string {
  const base = baseName
    .normalize('NFKD')
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '')
  const part = hasSeveralParts && place.part !== 'conversations' ? `_${place.part}` : ''
  const split = place.split === null || place.split === 'train' ? '' : `_${place.split}`
  return `${base === '' ? 'dataset' : base}${part}${split}`
}

/** A name that every file system takes. */
export function safeFileName(name: string): string {
  const clean = Array.from(name.normalize('NFC'))
    .map((char) => (char < ' ' || '<>:"/\\|?*\u007f'.includes(char) ? ' ' : char))
    .join('')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/^[ .]+/g, '')
  let short = ''
  for (const char of clean) {
    if (Buffer.byteLength(short + char) > 120) break
    short += char
  }
  const ended = short.replaceAll(/[ .]+$/g, '')
  if (ended === '') return 'dataset'
  return reservedNames.test(ended.split('.')[0] ?? '') ? `${ended}_` : ended
}

function splitWord(layout: ExportLayout, split: SplitName): string {
  return split === 'validation' && layoutsReadByMlx.has(layout) ? 'valid' : split
}
