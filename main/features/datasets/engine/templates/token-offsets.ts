import type { Tokenizer } from '../row-model.ts'

/** Tokens of a text with the UTF-16 offset at which each begins. */
export interface PlacedTokens {
  readonly ids: readonly number[]
  readonly starts: Uint32Array
}

/** A character with the marks that may melt into it when the tokenizer normalises the text. */
const cluster = /[^][\p{M}\u1100-\u11ff]*/gu
const spaceMark = '\u2581'

/** Encodes a text and finds where each token begins; a token inside a character begins where the character does. */
export function placeTokens(tokenizer: Tokenizer, text: string): PlacedTokens {
  const ids = tokenizer.encode(text)
  const bytes = ids.map((id) => tokenizer.bytesOf(id))
  const stream = Buffer.concat(bytes)
  const charStarts = alignBytes(text, stream) ?? approximate(text, stream.length)
  const starts = new Uint32Array(ids.length)
  let at = 0
  for (const [index, piece] of bytes.entries()) {
    starts[index] = charStarts[at] ?? text.length
    at += piece.length
  }
  return { ids, starts }
}

/** For each byte of the tokens the offset of its character; null when the bytes are not the text under any known normalisation. */
function alignBytes(text: string, stream: Buffer): Uint32Array | null {
  const starts = new Uint32Array(stream.length)
  if (Buffer.from(text).equals(stream)) {
    fillCharacters(starts, 0, text, 0)
    return starts
  }
  let at = 0
  for (const { 0: piece, index } of text.matchAll(cluster)) {
    const raw = Buffer.from(piece)
    if (stands(raw, stream, at)) {
      fillCharacters(starts, at, piece, index)
      at += raw.length
      continue
    }
    const changed = Buffer.from(piece.normalize('NFC'))
    // After a control token the marks stand alone, since texts are normalised between control tokens.
    const first = String.fromCodePoint(piece.codePointAt(0) ?? 0)
    const parted = Buffer.from(first + piece.slice(first.length).normalize('NFC'))
    const spaced = Buffer.from(piece.replaceAll(' ', spaceMark))
    const plain = Buffer.from(piece.replaceAll(spaceMark, ' '))
    const found = [changed, parted, spaced, plain].find((form) => stands(form, stream, at))
    if (found === undefined) return null
    const same = sameStart(raw, found)
    fillCharacters(starts, at, piece, index, at + same)
    // What follows the first changed character counts as that character.
    starts.fill(index + raw.toString('utf8', 0, same).length, at + same, at + found.length)
    at += found.length
  }
  return at === stream.length ? starts : null
}

/** Bytes of whole characters that two texts begin with. */
function sameStart(one: Buffer, other: Buffer): number {
  let same = 0
  while (same < one.length && one[same] === other[same]) same += 1
  while (same > 0 && ((one[same] ?? 0) & 0xc0) === 0x80) same -= 1
  return same
}

function stands(form: Buffer, stream: Buffer, at: number): boolean {
  return stream.length - at >= form.length && stream.compare(form, 0, form.length, at, at + form.length) === 0
}

function fillCharacters(starts: Uint32Array, from: number, text: string, offset: number, to = starts.length): void {
  let at = from
  for (let index = 0; index < text.length && at < to;) {
    const point = text.codePointAt(index) ?? 0
    const end = at + (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4)
    while (at < end) starts[at++] = offset + index
    index += point > 0xffff ? 2 : 1
  }
}

/** Offsets in proportion, for a tokenizer that changes the text in a way not known here. */
function approximate(text: string, bytes: number): Uint32Array {
  return Uint32Array.from({ length: bytes }, (_, index) => Math.floor((index / bytes) * text.length))
}
