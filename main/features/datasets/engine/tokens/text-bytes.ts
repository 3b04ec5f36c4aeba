import { END_BYTE } from './character-classes.ts'
import { READ_AHEAD } from './piece-counter.ts'

/** The UTF-8 of one text at a time, in memory that is used again for the next; lone surrogates become U+FFFD. */
export interface TextBytes {
  bytes: Buffer
  view: DataView
  /** Puts the text into `bytes`, followed by `END_BYTE`, and answers its length in bytes. */
  write(text: string): number
}

/** Makes the buffer that texts are scanned in; it doubles when a text is longer. */
export function createTextBytes(): TextBytes {
  const texts: TextBytes = { ...allocate(1 << 16), write }
  function write(text: string): number {
    const needed = text.length * 3 + READ_AHEAD + 1
    if (needed > texts.bytes.length) Object.assign(texts, allocate(needed * 2))
    const length = texts.bytes.write(text, 0, 'utf8')
    texts.bytes[length] = END_BYTE
    return length
  }
  return texts
}

function allocate(size: number): Pick<TextBytes, 'bytes' | 'view'> {
  const bytes = Buffer.from(new ArrayBuffer(size))
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) }
}
