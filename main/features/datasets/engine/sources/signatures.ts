import type { UnreadableReason } from './source-types.ts'

/** What the first bytes of a file say on their own. */
export type Signature = { readonly kind: 'gzip' | 'zstd' | 'parquet' } | { readonly kind: 'unreadable'; readonly reason: UnreadableReason }

const asTable = 'Save it as CSV (UTF-8) or JSON Lines and import that.'
const asRows = 'Export the rows as JSON Lines or CSV and import that.'
const unpack = 'Unpack it and import the file inside.'

interface KnownBytes {
  readonly bytes: readonly number[]
  readonly at?: number
  readonly message: string
  readonly suggestion: string
}

const text = (value: string): number[] => [...Buffer.from(value, 'latin1')]

const known: readonly KnownBytes[] = [
  { bytes: text('PARE'), message: 'The Parquet file is encrypted.', suggestion: 'Save it without encryption and import that.' },
  { bytes: text('%PDF'), message: 'The file is a PDF.', suggestion: asRows },
  { bytes: [0xd0, 0xcf, 0x11, 0xe0], message: 'The file is an older Office document.', suggestion: asTable },
  { bytes: text('{\\rtf'), message: 'The file is a Rich Text document.', suggestion: asRows },
  { bytes: text('SQLite format 3\0'), message: 'The file is an SQLite database.', suggestion: asRows },
  { bytes: text('ARROW1'), message: 'The file is an Arrow table.', suggestion: 'Save it as Parquet or JSON Lines and import that.' },
  { bytes: text('FEA1'), message: 'The file is a Feather table.', suggestion: 'Save it as Parquet or JSON Lines and import that.' },
  { bytes: text('Obj\u0001'), message: 'The file is an Avro file.', suggestion: asRows },
  { bytes: text('BZh'), message: 'The file is compressed (bzip2).', suggestion: unpack },
  { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], message: 'The file is compressed (xz).', suggestion: unpack },
  { bytes: [0x04, 0x22, 0x4d, 0x18], message: 'The file is compressed (LZ4).', suggestion: unpack },
  { bytes: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], message: 'The file is a 7-Zip archive.', suggestion: unpack },
  { bytes: text('Rar!'), message: 'The file is a RAR archive.', suggestion: unpack },
  { bytes: text('ustar'), at: 257, message: 'The file is a TAR archive.', suggestion: unpack },
  { bytes: [0x89, 0x48, 0x44, 0x46], message: 'The file is an HDF5 file.', suggestion: asRows },
  { bytes: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], message: 'The file is a NumPy array.', suggestion: asRows },
  { bytes: text('GGUF'), message: 'The file is a model (GGUF), not a dataset.', suggestion: 'Choose the file with the conversations.' },
  { bytes: [0x89, 0x50, 0x4e, 0x47], message: 'The file is an image.', suggestion: 'Choose the file with the conversations.' },
  { bytes: [0xff, 0xd8, 0xff], message: 'The file is an image.', suggestion: 'Choose the file with the conversations.' },
  { bytes: text('GIF8'), message: 'The file is an image.', suggestion: 'Choose the file with the conversations.' },
  { bytes: [0xff, 0xfe, 0x00, 0x00], message: 'The file is encoded as UTF-32.', suggestion: 'Save it as UTF-8 and import it again.' },
  { bytes: [0x00, 0x00, 0xfe, 0xff], message: 'The file is encoded as UTF-32.', suggestion: 'Save it as UTF-8 and import it again.' },
]

/** Recognises a file by its first bytes; null for text and for what is unknown. */
export function recognise(head: Buffer): Signature | null {
  if (startsWith(head, [0x1f, 0x8b])) return { kind: 'gzip' }
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd]) || isSkippableFrame(head)) return { kind: 'zstd' }
  if (startsWith(head, text('PAR1'))) return { kind: 'parquet' }
  if (startsWith(head, text('PK\u0003\u0004')) || startsWith(head, text('PK\u0005\u0006'))) return unreadable(describeZip(head))
  if (isPickle(head)) {
    return unreadable({
      message: 'The file is a Python pickle, which can run programs when it is opened.',
      suggestion: 'Save the rows as JSON Lines in Python and import that.',
    })
  }
  const match = known.find(({ bytes, at }) => startsWith(head, bytes, at))
  return match === undefined ? null : unreadable({ message: match.message, suggestion: match.suggestion })
}

function unreadable(reason: UnreadableReason): Signature {
  return { kind: 'unreadable', reason }
}

function startsWith(head: Buffer, bytes: readonly number[], at = 0): boolean {
  return bytes.every((byte, index) => head[at + index] === byte)
}

function isSkippableFrame(head: Buffer): boolean {
  return head.length >= 8 && head.readUInt32LE(0) >>> 4 === 0x0184d2a5
}

/** Protocols 2 to 5 begin with a byte that no UTF-8 text begins with. */
function isPickle(head: Buffer): boolean {
  const version = head[1] ?? 0
  return head[0] === 0x80 && version >= 2 && version <= 5
}

function describeZip(head: Buffer): UnreadableReason {
  if (head.includes('word/')) return { message: 'The file is a Word document.', suggestion: asRows }
  if (head.includes('xl/') || head.includes('[Content_Types].xml'))
    return { message: 'The file is an Excel workbook.', suggestion: asTable }
  if (head.includes('mimetypeapplication/vnd.oasis')) return { message: 'The file is an OpenDocument file.', suggestion: asTable }
  if (head.includes('data.pkl')) {
    return { message: 'The file is a PyTorch file, not a dataset.', suggestion: 'Choose the file with the conversations.' }
  }
  return { message: 'The file is a ZIP archive.', suggestion: unpack }
}
