import type { SourceFormat } from '../../../../../preload/contract/datasets.ts'
import { assertNever } from '../../../../lib/assert-never.ts'

const utf8Mark = Buffer.from([0xef, 0xbb, 0xbf])

const loneSurrogate = /\p{Surrogate}/u

/** What 0x80–0x9F mean in windows-1252; the five that mean nothing stay control characters. */
const windowsLetters =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178'

/** Turns chunks of a source into chunks of UTF-8 without a byte-order mark; a chunk is valid until the next is asked for. */
export function decodeToUtf8(
  chunks: AsyncIterable<Buffer>,
  encoding: SourceFormat['encoding'],
  onReplaced: () => void,
): AsyncIterable<Buffer> {
  switch (encoding) {
    case null:
    case 'utf-8':
      return chunks
    case 'utf-8-bom':
      return withoutMark(chunks)
    case 'windows-1252':
      return mapChunks(chunks, createWindowsDecoder())
    case 'utf-16le':
    case 'utf-16be':
      return mapChunks(chunks, createUtf16Decoder(encoding === 'utf-16be', onReplaced))
    default:
      return assertNever(encoding)
  }
}

/** One step of decoding; called without bytes at the end. */
type Decoder = (chunk: Buffer | null) => Buffer

async function* mapChunks(chunks: AsyncIterable<Buffer>, decode: Decoder): AsyncIterable<Buffer> {
  for await (const chunk of chunks) yield decode(chunk)
  yield decode(null)
}

async function* withoutMark(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let head: Buffer | null = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (head === null) {
      yield chunk
      continue
    }
    const start: Buffer = Buffer.concat([head, chunk])
    if (start.length < utf8Mark.length) {
      head = start
      continue
    }
    head = null
    yield start.subarray(0, utf8Mark.length).equals(utf8Mark) ? start.subarray(utf8Mark.length) : start
  }
  if (head !== null && head.length > 0) yield head
}

/** Creates a decoder of the Windows code page of western Europe. */
export function createWindowsDecoder(): Decoder {
  const encoded = Array.from({ length: 256 }, (_, byte) =>
    Buffer.from(byte >= 0x80 && byte < 0xa0 ? (windowsLetters[byte - 0x80] ?? '') : String.fromCharCode(byte)),
  )
  let out = Buffer.alloc(0)
  return (chunk) => {
    if (chunk === null) return Buffer.alloc(0)
    if (out.length < chunk.length * 3) out = Buffer.allocUnsafe(chunk.length * 3)
    let at = 0
    for (const byte of chunk) {
      if (byte < 0x80) {
        out[at] = byte
        at += 1
      } else
        for (const part of encoded[byte] ?? []) {
          out[at] = part
          at += 1
        }
    }
    return out.subarray(0, at)
  }
}

/** Creates a decoder of UTF-16; characters may be cut anywhere between two chunks. */
export function createUtf16Decoder(isBigEndian: boolean, onReplaced: () => void): Decoder {
  let rest = Buffer.alloc(0)
  let isFirst = true
  const toText = (bytes: Buffer): string => {
    const text = bytes.toString('utf16le')
    // Writing UTF-8 replaces them.
    if (loneSurrogate.test(text)) onReplaced()
    return text
  }
  return (chunk) => {
    const bytes = chunk === null ? rest : Buffer.concat([rest, chunk])
    let end = bytes.length - (bytes.length % 2)
    if (chunk === null) {
      if (end < bytes.length) onReplaced()
    } else if (end >= 2) {
      const high = bytes[isBigEndian ? end - 2 : end - 1] as number
      if (high >= 0xd8 && high <= 0xdb) end -= 2
    }
    const whole = Buffer.from(bytes.subarray(0, end))
    rest = chunk === null ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end))
    if (isBigEndian) whole.swap16()
    let text = toText(whole)
    if (isFirst && text.length > 0) {
      isFirst = false
      if (text.startsWith('\ufeff')) text = text.slice(1)
    }
    return Buffer.from(text)
  }
}
