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

/** Looks at the bytes of a row; the object it answers is re-used. */
export type ByteScan = (bytes: Buffer) => ByteMarks

/** The first bytes stay zero, so that the byte before the row can be read. */
const dataFrom = 16
const blockBytes = 16
const pageBytes = 65_536
const bits = { unicodeEscape: 1, controlEscape: 2, angleToken: 4, squareToken: 8, notAscii: 16, keysFrom: 5 } as const

/**
 * Creates the scan. It is a small WebAssembly function that looks at 16 bytes at once: searching the text for each
 * mark would take as long as parsing it.
 */
export function createByteScan(): ByteScan {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble()))
  const memory = instance.exports['memory'] as WebAssembly.Memory
  const scan = instance.exports['scan'] as (from: number, to: number) => number
  let view = new Uint8Array(memory.buffer)
  const marks: ByteMarks = {
    isAscii: true,
    keys: 0,
    hasUnicodeEscape: false,
    hasControlEscape: false,
    hasAngleToken: false,
    hasSquareToken: false,
  }
  return (bytes) => {
    const end = dataFrom + bytes.length
    if (end + 2 * blockBytes > view.length) {
      memory.grow(Math.ceil((end + 2 * blockBytes - view.length) / pageBytes))
      view = new Uint8Array(memory.buffer)
    }
    view.set(bytes, dataFrom)
    view.fill(0, end, end + 2 * blockBytes)
    const found = scan(dataFrom, end)
    marks.isAscii = (found & bits.notAscii) === 0
    marks.keys = found >>> bits.keysFrom
    marks.hasUnicodeEscape = (found & bits.unicodeEscape) !== 0
    marks.hasControlEscape = (found & bits.controlEscape) !== 0
    marks.hasAngleToken = (found & bits.angleToken) !== 0
    marks.hasSquareToken = (found & bits.squareToken) !== 0
    return marks
  }
}

type Code = readonly number[]
const local = { at: 0, end: 1, keys: 2, matches: 3, seen: 4, all: 5 } as const
const i32 = 0x7f
const v128 = 0x7b

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
  return [...characters].map((character) => character.charCodeAt(0))
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

const get = (index: number): Code => [0x20, index]
const set = (index: number): Code => [0x21, index]
const i32Const = (value: number): Code => [0x41, ...signedLeb(value)]
const constant = (bytes: readonly number[]): Code => [0xfd, 0x0c, ...bytes]
const sameBytes = (value: number): Code => constant(Array.from({ length: 16 }, () => value))
/** Loads 16 bytes at `at` plus an offset; -1 is reached by moving the address. */
const load = (offset: number): Code =>
  offset < 0 ? [...get(local.at), ...i32Const(-offset), 0x6b, 0xfd, 0x00, 0, 0] : [...get(local.at), 0xfd, 0x00, 0, offset]
const and = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x4e]
const lookUp = (table: readonly number[], bytes: Code): Code => [...constant(table), ...bytes, 0xfd, 0x0e]
const highHalf = (bytes: Code): Code => and([...bytes, ...i32Const(4), 0xfd, 0x8d, 0x01], sameBytes(15))
const kindsOf = (bytes: Code, tables: { low: number[]; high: number[] }): Code =>
  and(lookUp(tables.low, and(bytes, sameBytes(15))), lookUp(tables.high, highHalf(bytes)))
const isSeen = (mask: number, bit: number): Code => [...and(get(local.seen), sameBytes(mask)), 0xfd, 0x53, ...i32Const(bit), 0x6c]

/** The loop over blocks of 16 bytes, as the body of a function (from, to) → keys × 32 + marks. */
function scanBody(): Code {
  const first = tablesOf((kind) => codes(kind.first))
  const second = tablesOf((kind) => kind.second)
  const afterBackslash = [...load(-1), ...sameBytes(92), 0xfd, 0x23]
  const names = [...get(local.matches), ...afterBackslash, 0xfd, 0x4f]
  const stepOn = [...get(local.at), ...i32Const(blockBytes), 0x6a, 0x22, local.at]
  const loop = [
    and(kindsOf(load(0), first), kindsOf(load(1), second)),
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
  return [0x03, 0x40, ...loop.flat(), 0x0b, ...answer.flat(), 0x0b]
}

/** The whole module in WebAssembly's binary format: types, functions, memory, exports, code. */
function assemble(): Uint8Array<ArrayBuffer> {
  const body = [2, 1, i32, 3, v128, ...scanBody()]
  const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  return Uint8Array.from([
    ...magic,
    ...section(1, [1, 0x60, 2, i32, i32, 1, i32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...named('memory'), 2, 0, ...named('scan'), 0, 0]),
    ...section(10, [1, ...unsignedLeb(body.length), ...body]),
  ])
}

function section(id: number, content: Code): Code {
  return [id, ...unsignedLeb(content.length), ...content]
}

function named(name: string): Code {
  return [name.length, ...Buffer.from(name)]
}

function unsignedLeb(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsignedLeb(value >>> 7)]
}

function signedLeb(value: number): Code {
  return value < 64 ? [value] : [(value & 127) | 128, ...signedLeb(value >> 7)]
}
