import { convert, convertWithDictionary } from 'hyparquet/src/convert.js'
import { parquetHeader, type readColumn } from 'hyparquet/src/column.js'
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js'
import { assembleLists } from 'hyparquet/src/assemble.js'
import { readPlain } from 'hyparquet/src/plain.js'
import { isFlatColumn } from 'hyparquet/src/schema.js'
import { checkDataPage, checkDataPageV2, checkPageSize } from './parquet-checks.ts'

/** What the decoder needs to know about a column. */
export type ColumnDecoder = Parameters<typeof readColumn>[2]
/** Values of a page or a column, one per row unless the column is nested. */
export type ColumnValues = ReturnType<typeof readColumn>['data'][number]
type PageHeader = ReturnType<typeof parquetHeader>

interface ColumnPagesOptions {
  readonly bytes: ArrayBuffer
  readonly rows: number
  /** Values of the whole column chunk, as the footer says. */
  readonly values: number
  readonly decoder: ColumnDecoder
  /** Makes plain values fit for JSON. */
  readonly finish: (values: ColumnValues) => ColumnValues
  readonly breathe: () => Promise<void>
}

/** Decodes a column chunk page by page, leaving room for other work in between. */
export async function readColumnPages({ bytes, rows, values, decoder, finish, breathe }: ColumnPagesOptions): Promise<ColumnValues[]> {
  const reader = { view: new DataView(bytes), offset: 0 }
  // A nested column may go on with its last row, so that its pages are read to the end.
  const rowsWanted = isFlatColumn(decoder.schemaPath) ? rows : Infinity
  const pages: ColumnValues[] = []
  let dictionary: ColumnValues | undefined
  let last: ColumnValues | undefined
  let rowsRead = 0
  while (reader.offset < bytes.byteLength - 1 && rowsRead < rowsWanted) {
    await breathe()
    const header = parquetHeader(reader)
    checkPageSize(header, values, bytes.byteLength - reader.offset)
    const packed = new Uint8Array(bytes, reader.offset, header.compressed_page_size)
    reader.offset += header.compressed_page_size
    if (header.type === 'DICTIONARY_PAGE') {
      dictionary = finish(convert(readDictionary(header, packed, decoder), decoder))
    } else if (header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2') {
      const before = last?.length ?? 0
      const page: ColumnValues = readValues(header, packed, decoder, dictionary, last, finish)
      if (page === last) rowsRead += page.length - before
      else if (page.length > 0) {
        pages.push(page)
        rowsRead += page.length
        last = page
      }
    } else if (header.type !== 'INDEX_PAGE') {
      throw new Error('page of an unknown type')
    }
  }
  return pages
}

function readDictionary(header: PageHeader, packed: Uint8Array, decoder: ColumnDecoder): ColumnValues {
  const page = decompressPage(packed, header.uncompressed_page_size, decoder.codec, decoder.compressors)
  const count = header.dictionary_page_header?.num_values ?? 0
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 }
  return readPlain(reader, decoder.type, count, decoder.element.type_length)
}

function readValues(
  header: PageHeader,
  packed: Uint8Array,
  decoder: ColumnDecoder,
  dictionary: ColumnValues | undefined,
  last: ColumnValues | undefined,
  finish: (values: ColumnValues) => ColumnValues,
): ColumnValues {
  const { encoding, content } = decodePage(header, packed, decoder)
  const { definitionLevels, repetitionLevels, dataPage } = content
  const isFromDictionary = dictionary !== undefined && encoding.endsWith('_DICTIONARY')
  const converted = convertWithDictionary(dataPage, dictionary, encoding, decoder)
  const values = isFromDictionary ? converted : finish(converted)
  return assembleLists(Array.isArray(last) ? last : [], definitionLevels, repetitionLevels, values, decoder.schemaPath)
}

function decodePage(header: PageHeader, packed: Uint8Array, decoder: ColumnDecoder) {
  const { codec, compressors } = decoder
  const one = header.data_page_header
  if (header.type === 'DATA_PAGE' && one !== undefined) {
    const page = decompressPage(packed, header.uncompressed_page_size, codec, compressors)
    checkDataPage(page, one, decoder)
    return { encoding: one.encoding, content: readDataPage(page, one, decoder) }
  }
  const two = header.data_page_header_v2
  if (two === undefined) throw new Error('page without a header')
  const levels = two.repetition_levels_byte_length + two.definition_levels_byte_length
  if (!(levels >= 0 && levels <= packed.length)) throw new Error('page levels longer than the page')
  const rest = packed.subarray(levels)
  const content = two.is_compressed === false ? rest : decompressPage(rest, header.uncompressed_page_size - levels, codec, compressors)
  checkDataPageV2(packed, content, two, decoder)
  const page = new Uint8Array(levels + content.length)
  page.set(packed.subarray(0, levels))
  page.set(content, levels)
  const plainHeader = { ...header, data_page_header_v2: { ...two, is_compressed: false } }
  return { encoding: two.encoding, content: readDataPageV2(page, plainHeader, decoder) }
}
