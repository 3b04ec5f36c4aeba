import type { RowWriter } from './row-writer.ts'
import { backslash, quote, space } from './signs.ts'

const shortEscapes: readonly (readonly [byte: number, letter: string])[] = [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [quote, '"'],
  [backslash, '\\'],
]
const escapes = Array.from({ length: 128 }, (_, byte) => {
  const short = shortEscapes.find(([escaped]) => escaped === byte)
  return Buffer.from(short === undefined ? `\\u${byte.toString(16).padStart(4, '0')}` : `\\${short[1]}`)
})
const noEscape = Buffer.alloc(0)

/** Writes one byte of the inside of a JSON text. */
export function writeJsonByte(writer: RowWriter, byte: number): void {
  if (byte >= space && byte !== quote && byte !== backslash) {
    writer.addByte(byte)
    return
  }
  const escape = escapes[byte] ?? noEscape
  writer.add(escape, 0, escape.length)
}

/** Writes bytes as the inside of a JSON text; what is not valid UTF-8 stays as it is, for the check to report. */
export function writeJsonText(writer: RowWriter, bytes: Buffer, start: number, end: number): void {
  let from = start
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number
    if (byte >= space && byte !== quote && byte !== backslash) continue
    writer.add(bytes, from, at)
    const escape = escapes[byte] ?? noEscape
    writer.add(escape, 0, escape.length)
    from = at + 1
  }
  writer.add(bytes, from, end)
}
