import type { ChatTexts } from '../row-model.ts'
import { chatTextBits } from '../wasm/chat-text-code.ts'
import { END_BYTE } from './character-classes.ts'
import { countingMemory, createCountingCode } from './counting-code.ts'
import { createKnownPieceCounter, type KnownPieces } from './known-pieces.ts'
import type { PieceMerger } from './piece-merger.ts'
import type { Scanner } from './scanner.ts'

/** How text is cut into pieces; `wordEnd` where the counting code knows the rule and asks only for what is not plain. */
export interface PieceRule {
  readonly scan: Scanner
  readonly word: { readonly end: (bytes: Uint8Array, at: number) => number; readonly hasSingleDigits: boolean } | null
}

/** Takes one text at a time as UTF-8, in memory that is used again for the next; lone surrogates become U+FFFD. */
export interface PieceCounter {
  /** Tokens of a text. */
  count(text: string): number
  /**
   * Tokens of the texts of a chat row in its commonest form, without building a string of any; null where a text has to be
   * looked at otherwise. The answer is re-used.
   */
  countChat(row: Uint8Array, turns: number, isCountable: (text: ChatText) => boolean): ChatTexts | null
  /** True for a text of a chat that NFC surely leaves alone. */
  isStable(text: ChatText): boolean
  /** Calls for every piece of a text with where it stands. */
  eachPiece(text: string, onPiece: (bytes: Buffer, start: number, end: number) => void): void
}

/** The text of one turn as it lies in memory, followed by `END_BYTE`. */
export interface ChatText {
  bytes: Buffer
  start: number
  end: number
  /** It holds an angle bracket, which may begin a control token. */
  hasAngle: boolean
  isAscii: boolean
}

const { textAt, endsAt, queue, foundAt } = countingMemory
const PAGE_BYTES = 65_536
/** Longer rows are counted as strings, so that a huge one does not leave the memory of three. */
const LARGEST_CHAT = 1 << 20
const LIST = '['.charCodeAt(0)
const SYSTEM = 's'.charCodeAt(0)
const ASSISTANT = 'a'.charCodeAt(0)
/** Bytes behind the text that are read with its last piece. */
const READ_AHEAD = 64

/** Creates a counter with tables of its own before those that all threads share. */
export function createPieceCounter(merger: PieceMerger, rule: PieceRule, known: KnownPieces): PieceCounter {
  const countUnknown = createKnownPieceCounter(known, merger)
  const code = createCountingCode(
    {
      countPiece: (start, end) => countUnknown(bytes, view, start, end),
      pieceEnd: (start) => rule.word?.end(bytes, start) ?? start + 1,
    },
    rule.word?.hasSingleDigits === true,
  )
  let bytes = Buffer.from(code.memory.buffer)
  let view = new DataView(code.memory.buffer)
  let ends = new Int32Array(code.memory.buffer, endsAt, queue)

  let found = new Int32Array(code.memory.buffer, foundAt, 3)
  const makeRoom = (needed: number): void => {
    if (needed <= bytes.length) return
    code.memory.grow(Math.ceil((needed * 2 - bytes.length) / PAGE_BYTES))
    bytes = Buffer.from(code.memory.buffer)
    view = new DataView(code.memory.buffer)
    ends = new Int32Array(code.memory.buffer, endsAt, queue)
    found = new Int32Array(code.memory.buffer, foundAt, 3)
  }
  /** Answers where the text ends in `bytes`; it begins at `textAt`. */
  const write = (text: string): number => {
    makeRoom(textAt + text.length * 3 + READ_AHEAD)
    const end = textAt + bytes.write(text, textAt, 'utf8')
    bytes[end] = END_BYTE
    return end
  }
  const countTo = (end: number): number => {
    if (rule.word !== null) return code.countWords(textAt, end)
    let total = 0
    let at = textAt
    while (at < end) {
      const pieces = rule.scan(bytes, at, ends)
      total += code.tally(at, endsAt, pieces)
      at = ends[pieces - 1] as number
    }
    return total
  }
  const texts: ChatTexts = { hasSystem: false, total: 0, answers: 0 }
  const text: ChatText = { bytes, start: textAt, end: textAt, hasAngle: false, isAscii: true }
  return {
    isStable: ({ start, end }) => code.isStable(start, end),
    count: (whole) => countTo(write(whole)),
    countChat(row, turns, isCountable) {
      if (row.length > LARGEST_CHAT) return null
      // A text without its escapes is never longer than the row, which lies behind it.
      const rowAt = textAt + row.length + READ_AHEAD
      makeRoom(rowAt + row.length + READ_AHEAD)
      bytes.set(row, rowAt)
      // The name "messages" stands before the first turn.
      let at = bytes.indexOf(LIST, rowAt)
      texts.total = 0
      texts.answers = 0
      for (let turn = 0; turn < turns; turn++) {
        at = code.takeText(at)
        if (at === 0) return null
        const role = found[0] as number
        const end = found[1] as number
        const bits = found[2] as number
        bytes[end] = END_BYTE
        if (turn === 0) texts.hasSystem = role === SYSTEM
        text.bytes = bytes
        text.end = end
        text.hasAngle = (bits & chatTextBits.angle) !== 0
        text.isAscii = (bits & chatTextBits.notAscii) === 0
        if (!isCountable(text)) return null
        const count = countTo(end)
        texts.total += count
        if (role === ASSISTANT) texts.answers += count
      }
      return texts
    },
    eachPiece(text, onPiece) {
      const end = write(text)
      let start = textAt
      while (start < end) {
        const pieces = rule.scan(bytes, start, ends)
        for (let piece = 0; piece < pieces; piece++) {
          const pieceEnd = ends[piece] as number
          onPiece(bytes, start, pieceEnd)
          start = pieceEnd
        }
      }
    },
  }
}
