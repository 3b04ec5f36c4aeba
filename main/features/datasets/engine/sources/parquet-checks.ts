import type { parquetHeader, readColumn } from 'hyparquet/src/column.js'
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js'

type PageHeader = ReturnType<typeof parquetHeader>
type ColumnDecoder = Parameters<typeof readColumn>[2]

const maxPageBytes = 512 * 1024 * 1024
const maxPageValues = 50_000_000
/** Writers may fill up the last run of a page. */
const runSlack = 512

/** Refuses pages whose sizes cannot be true, before memory is taken for them. */
export function checkPageSize(header: PageHeader, chunkValues: number, leftBytes: number): void {
  const { compressed_page_size: packed, uncompressed_page_size: unpacked } = header
  if (!(packed >= 0 && packed <= leftBytes && unpacked >= 0 && unpacked <= maxPageBytes)) throw new Error('page size out of range')
  const values = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0
  if (!(values >= 0 && values <= Math.min(chunkValues, maxPageValues))) throw new Error('number of values out of range')
  const nulls = header.data_page_header_v2?.num_nulls ?? 0
  if (!(nulls >= 0 && nulls <= values)) throw new Error('number of empty values out of range')
  const keys = header.dictionary_page_header?.num_values ?? 0
  if (!(keys >= 0 && keys <= unpacked * 8)) throw new Error('dictionary size out of range')
}

/** Refuses a page whose runs claim more values than the page has: the decoder would fill memory with them. */
export function checkDataPage(page: Uint8Array, header: NonNullable<PageHeader['data_page_header']>, decoder: ColumnDecoder): void {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  const { schemaPath } = decoder
  let at = 0
  for (const level of [schemaPath.length > 1 ? getMaxRepetitionLevel(schemaPath) : 0, getMaxDefinitionLevel(schemaPath)]) {
    if (level === 0) continue
    const length = view.getUint32(at, true)
    checkRuns(view, at + 4, bitWidth(level), header.num_values)
    at += 4 + length
  }
  checkValueRuns(view, at, header.num_values, header.encoding, decoder, true)
}

/** The same for the second version of pages, whose levels are never compressed. */
export function checkDataPageV2(
  packed: Uint8Array,
  content: Uint8Array,
  header: NonNullable<PageHeader['data_page_header_v2']>,
  decoder: ColumnDecoder,
): void {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const { schemaPath } = decoder
  const repetition = getMaxRepetitionLevel(schemaPath)
  const definition = getMaxDefinitionLevel(schemaPath)
  if (repetition > 0) checkRuns(view, 0, bitWidth(repetition), header.num_values)
  const levelsAt = repetition > 0 ? header.repetition_levels_byte_length : 0
  if (definition > 0) checkRuns(view, levelsAt, bitWidth(definition), header.num_values)
  const values = new DataView(content.buffer, content.byteOffset, content.byteLength)
  checkValueRuns(values, 0, header.num_values, header.encoding, decoder, false)
}

function checkValueRuns(
  view: DataView,
  start: number,
  values: number,
  encoding: string,
  { type }: ColumnDecoder,
  isFirstVersion: boolean,
): void {
  if (encoding.endsWith('_DICTIONARY')) {
    const isTruth = type === 'BOOLEAN'
    if (isTruth || values === 0 || start >= view.byteLength) return
    const width = view.getUint8(start)
    if (width > 32) throw new Error('index width out of range')
    if (width > 0 || !isFirstVersion) checkRuns(view, start + 1, width, values)
  } else if (encoding === 'RLE') {
    const isTruth = type === 'BOOLEAN'
    if (isTruth) checkRuns(view, start + 4, 1, values)
  }
}

/** Walks over the runs of a run-length and bit-packed stream without decoding them. */
function checkRuns(view: DataView, start: number, width: number, expected: number): void {
  let at = start
  let seen = 0
  while (seen < expected && at < view.byteLength) {
    let header = 0
    let shift = 0
    let byte = 0x80
    while (byte >= 0x80) {
      if (shift > 28) throw new Error('run header out of range')
      byte = view.getUint8(at)
      header += (byte & 0x7f) * 2 ** shift
      shift += 7
      at += 1
    }
    const isPacked = header % 2 === 1
    const half = Math.floor(header / 2)
    const count = isPacked ? half * 8 : half
    if (count > expected - seen + runSlack) throw new Error('run longer than its page')
    if (count === 0 && width === 0) throw new Error('empty run')
    at += isPacked ? half * width : (width + 7) >> 3
    seen += count
  }
}

function bitWidth(value: number): number {
  return 32 - Math.clz32(value)
}
