import {
  and,
  assemble,
  bytesAt,
  get,
  highHalf,
  i32Const,
  lookUp,
  sameBytes,
  set,
  subtract,
  type AssembledFunction,
  type Code,
} from '../wasm/assembly.ts'
import { hexUnitFunction, plainChatBits, plainChatCounts, plainChatFunction, rareBlankFunction } from './plain-chat-code.ts'

/** What one pass over the bytes of a row saw; the marks may be false alarms, never misses. */
export interface ByteMarks {
  /** Exact: no byte above 127. */
  isAscii: boolean
  /** Names of objects: a quotation mark and a colon without a backslash before them. */
  keys: number
  /** A `\u` escape. */
  hasUnicodeEscape: boolean
  /** A `\b` or `\f` escape. */
  hasControlEscape: boolean
  /** The start of something like a control token of a model, such as `<|` or `</`. */
  hasAngleToken: boolean
  /** The same in square brackets. */
  hasSquareToken: boolean
}

/** What is known of a row that is a chat in its commonest form, has no fault and needs no parsing for that. */
export interface PlainChat {
  turns: number
  assistantTurns: number
  /** UTF-16 units of all message texts. */
  characters: number
  assistantCharacters: number
  isAscii: boolean
  hasAngleToken: boolean
  hasSquareToken: boolean
}

/** Looks at the bytes of a row; the objects it answers are re-used. */
export interface RowScan {
  /** Takes the row in; the other calls are about the last one. */
  load(bytes: Buffer): void
  /** Null for a row that has to be parsed. That the bytes are UTF-8 is still to be checked. */
  plainChat(): PlainChat | null
  marks(): ByteMarks
  /** The row as text, also when the bytes it was loaded from have been re-used. */
  text(isAscii: boolean): string
}

/** Bytes before the row stay free for counts; the one just before it is read and stays zero. */
const dataFrom = 48
const blockBytes = 16
const pageBytes = 65_536
const bits = { unicodeEscape: 1, controlEscape: 2, angleToken: 4, squareToken: 8, notAscii: 16, keysFrom: 5 } as const

/** What `toString` calls after looking at its arguments, which takes a tenth of the time of a short row. */
type SlicingBuffer = Buffer & { latin1Slice(from: number, to: number): string; utf8Slice(from: number, to: number): string }
type Scan = (from: number, to: number) => number

/** Makes the code of the scan; threads that start at the same time share it, because it takes longer than reading many rows. */
export function compileRowScan(): WebAssembly.Module {
  const pairs = { kinds: pairKinds(), angleKinds, squareKind }
  return new WebAssembly.Module(
    assemble([
      markFunction('marks'),
      rareBlankFunction(),
      hexUnitFunction(),
      plainChatFunction('plainChat', pairs, { isBlank: 1, hexUnit: 2 }),
    ]),
  )
}

/**
 * Creates the scan. It is a small WebAssembly module that looks at 16 bytes at once: searching the text for each mark
 * would take as long as parsing it.
 */
export function createRowScan(code: WebAssembly.Module = compileRowScan()): RowScan {
  const instance = new WebAssembly.Instance(code)
  const memory = instance.exports['memory'] as WebAssembly.Memory
  const findMarks = instance.exports['marks'] as Scan
  const findPlainChat = instance.exports['plainChat'] as Scan
  let view = Buffer.from(memory.buffer) as SlicingBuffer
  let counts = new Uint32Array(memory.buffer, 0, plainChatCounts.bytes / 4)
  let end = dataFrom
  const marks: ByteMarks = {
    isAscii: true,
    keys: 0,
    hasUnicodeEscape: false,
    hasControlEscape: false,
    hasAngleToken: false,
    hasSquareToken: false,
  }
  const chat: PlainChat = {
    turns: 0,
    assistantTurns: 0,
    characters: 0,
    assistantCharacters: 0,
    isAscii: true,
    hasAngleToken: false,
    hasSquareToken: false,
  }
  return {
    load(bytes) {
      end = dataFrom + bytes.length
      if (end + 2 * blockBytes > view.length) {
        memory.grow(Math.ceil((end + 2 * blockBytes - view.length) / pageBytes))
        view = Buffer.from(memory.buffer) as SlicingBuffer
        counts = new Uint32Array(memory.buffer, 0, plainChatCounts.bytes / 4)
      }
      view.set(bytes, dataFrom)
      view.fill(0, end, end + 2 * blockBytes)
    },
    plainChat() {
      const found = findPlainChat(dataFrom, end)
      if (found === 0) return null
      chat.characters = counts[plainChatCounts.characters / 4] as number
      chat.assistantCharacters = counts[plainChatCounts.assistantCharacters / 4] as number
      chat.turns = counts[plainChatCounts.turns / 4] as number
      chat.assistantTurns = counts[plainChatCounts.assistantTurns / 4] as number
      chat.isAscii = (found & plainChatBits.notAscii) === 0
      chat.hasAngleToken = (found & plainChatBits.angleToken) !== 0
      chat.hasSquareToken = (found & plainChatBits.squareToken) !== 0
      return chat
    },
    marks() {
      const found = findMarks(dataFrom, end)
      marks.isAscii = (found & bits.notAscii) === 0
      marks.keys = found >>> bits.keysFrom
      marks.hasUnicodeEscape = (found & bits.unicodeEscape) !== 0
      marks.hasControlEscape = (found & bits.controlEscape) !== 0
      marks.hasAngleToken = (found & bits.angleToken) !== 0
      marks.hasSquareToken = (found & bits.squareToken) !== 0
      return marks
    },
    text: (isAscii) => (isAscii ? view.latin1Slice(dataFrom, end) : view.utf8Slice(dataFrom, end)),
  }
}

const local = { at: 0, end: 1, keys: 2, matches: 3, seen: 4, all: 5 } as const

/** Pairs of bytes that are looked for; each kind has a bit, and all bytes of a kind share it. */
const kinds: readonly { readonly bit: number; readonly first: string; readonly second: readonly number[] }[] = [
  { bit: 1, first: '"', second: codes(':') },
  { bit: 2, first: '\\', second: codes('u') },
  { bit: 4, first: '\\', second: codes('bf') },
  // <|…|>, <s>, <pad>, <unk>
  { bit: 8, first: '<', second: codes('|spu') },
  // <eos>, <end_of_turn>, <bos>
  { bit: 16, first: '<', second: codes('eb') },
  // </s>, <<SYS>>
  { bit: 32, first: '<', second: codes('/<') },
  // The first byte of the wide bar in DeepSeek's tokens.
  { bit: 64, first: '<', second: [0xef] },
  // [INST], [/INST], [TOOL_CALLS], [AVAILABLE_TOOLS]
  { bit: 128, first: '[', second: codes('ITA/') },
]
const angleKinds = 8 | 16 | 32 | 64
const squareKind = 128

function codes(characters: string): number[] {
  return Array.from(characters, (character) => character.charCodeAt(0))
}

/** Two tables of 16 entries: a byte belongs to a kind when both of its halves do. */
function tablesOf(select: (kind: (typeof kinds)[number]) => readonly number[]): { low: number[]; high: number[] } {
  const low = Array.from({ length: 16 }, () => 0)
  const high = Array.from({ length: 16 }, () => 0)
  for (const kind of kinds) {
    for (const code of select(kind)) {
      low[code & 15] = (low[code & 15] ?? 0) | kind.bit
      high[code >> 4] = (high[code >> 4] ?? 0) | kind.bit
    }
  }
  return { low, high }
}

/** Bytes at the place of the loop plus an offset; -1 is reached by moving the address. */
const load = (offset: number): Code =>
  offset < 0 ? bytesAt(subtract(get(local.at), i32Const(-offset)), 0) : bytesAt(get(local.at), offset)
const kindsOf = (bytes: Code, tables: { low: number[]; high: number[] }): Code =>
  and(lookUp(tables.low, and(bytes, sameBytes(15))), lookUp(tables.high, highHalf(bytes)))
const isSeen = (mask: number, bit: number): Code => [...and(get(local.seen), sameBytes(mask)), 0xfd, 0x53, ...i32Const(bit), 0x6c]

/** The kinds of the pairs that start at each of 16 places, from the bytes there and the bytes behind them. */
function pairKinds(): (first: Code, second: Code) => Code {
  const ofFirst = tablesOf((kind) => codes(kind.first))
  const ofSecond = tablesOf((kind) => kind.second)
  return (first, second) => and(kindsOf(first, ofFirst), kindsOf(second, ofSecond))
}

/** The loop over blocks of 16 bytes: a function (from, to) → keys × 32 + marks. */
function markFunction(name: string): AssembledFunction {
  const afterBackslash = [...load(-1), ...sameBytes(92), 0xfd, 0x23]
  const names = [...get(local.matches), ...afterBackslash, 0xfd, 0x4f]
  const stepOn = [...get(local.at), ...i32Const(blockBytes), 0x6a, 0x22, local.at]
  const loop = [
    pairKinds()(load(0), load(1)),
    set(local.matches),
    [...get(local.seen), ...get(local.matches), 0xfd, 0x50, ...set(local.seen)],
    [...get(local.all), ...load(0), 0xfd, 0x50, ...set(local.all)],
    // The bit of a name is moved to the top of its byte, where it can be counted.
    [...get(local.keys), ...names, ...i32Const(7), 0xfd, 0x8b, 0x01, 0xfd, 0x64, 0x69, 0x6a, ...set(local.keys)],
    [...stepOn, ...get(local.end), 0x49, 0x0d, 0],
  ]
  const answer = [
    [...get(local.keys), ...i32Const(bits.keysFrom), 0x74],
    [...isSeen(2, bits.unicodeEscape), 0x72],
    [...isSeen(4, bits.controlEscape), 0x72],
    [...isSeen(angleKinds, bits.angleToken), 0x72],
    [...isSeen(squareKind, bits.squareToken), 0x72],
    [...get(local.all), 0xfd, 0x64, ...i32Const(0), 0x47, ...i32Const(bits.notAscii), 0x6c, 0x72],
  ]
  const body = [0x03, 0x40, ...loop.flat(), 0x0b, ...answer.flat()]
  return { name, parameters: 2, numbers: 1, blocks: 3, body }
}
