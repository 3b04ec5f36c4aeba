import {
  add,
  add64,
  again,
  and,
  assemble,
  bitsBelowLowest,
  bothBits,
  byteAt,
  bytesAt,
  bytesBelow,
  call,
  constant,
  differentBits,
  eitherBits,
  get,
  halfOf,
  highestBits,
  i32Const,
  i64Const,
  increase,
  isAny,
  isBelow,
  isEqual,
  loop,
  multiply64,
  oddBits,
  or,
  rotate64,
  sameBytes,
  set,
  shiftLeft,
  shiftRight,
  storeByte,
  storeBytes,
  subtract,
  subtractBytes,
  topBits,
  when,
  wordAt,
  type Code,
} from '../wasm/assembly.ts'
import { isStableFunction, stableCharacters, takeTextFunction, type ChatTextPlaces } from '../wasm/chat-text-code.ts'

/** Pieces of up to so many bytes are kept in the table of the code: sixteen less one for length and count. */
export const SHORT_BYTES = 15
/** Entries of 16 bytes: one megabyte, which a processor keeps close to itself. */
const TABLE_BITS = 17
const ENTRY_BYTES = 16
/** Per length the bytes that belong to the piece, and the length in the last byte. */
const MASKS_AT = 0
const MASK_BYTES = 32
/** What a byte may be at the beginning of a piece. */
const KINDS_AT = MASKS_AT + (SHORT_BYTES + 1) * MASK_BYTES
const ENDS_AT = KINDS_AT + 256
const FOUND_AT = ENDS_AT + 4 * 512
const STABLE_AT = 4096
const TABLE_AT = 16_384
const PAGE_BYTES = 65_536

/** Where the code expects what in its memory. */
export const countingMemory = {
  /** Ends of the pieces, four bytes each. */
  endsAt: ENDS_AT,
  /** Number of ends that have room. */
  queue: 512,
  /** The text begins here; sixteen bytes behind it must be readable. */
  textAt: TABLE_AT + (ENTRY_BYTES << TABLE_BITS),
  /** What `takeText` found. */
  foundAt: FOUND_AT,
} as const
const places: ChatTextPlaces = { foundAt: FOUND_AT, textAt: countingMemory.textAt, stableAt: STABLE_AT }

const kinds = { lead: 1, digit: 2, sign: 4 } as const
const names = ['at', 'to', 'left', 'end', 'length', 'slot', 'total', 'first', 'letters', 'key'] as const
const local = Object.fromEntries(names.map((name, index) => [name, index])) as Record<(typeof names)[number], number>
const imports = { countPiece: 0, pieceEnd: 1 } as const
const at = get(local.at)
const end = get(local.end)
const slot = get(local.slot)
const first = get(local.first)
const key = get(local.key)

/** Adds the tokens of the piece from `at` to `end` to `total`: looked up, or counted outside and then kept. */
function countPiece(): Code {
  const length = get(local.length)
  const mask = shiftLeft(length, i32Const(5))
  const outside = [...at, ...end, ...call(imports.countPiece)]
  const mixed = add64(
    multiply64(halfOf(key, 0), i64Const(0x9e3779b97f4a7c15n)),
    rotate64(multiply64(halfOf(key, 1), i64Const(0xc2b2ae3d27d4eb4fn)), 32),
  )
  const hash = highestBits(multiply64(mixed, i64Const(0x165667b19e3779f9n)), TABLE_BITS)
  const lengthOnly = constant([...Array.from({ length: SHORT_BYTES }, () => 255), 15])
  const isOther = isAny(differentBits(and(bytesAt(slot, TABLE_AT), lengthOnly), key))
  const keep = [
    ...outside,
    ...set(local.letters),
    ...storeBytes(slot, TABLE_AT, key),
    ...storeByte(slot, TABLE_AT + SHORT_BYTES, eitherBits(length, shiftLeft(get(local.letters), i32Const(4)))),
    ...increase(local.total, get(local.letters)),
  ]
  const short = [
    ...or(and(bytesAt(at, 0), bytesAt(mask, MASKS_AT)), bytesAt(mask, MASKS_AT + 16)),
    ...set(local.key),
    ...shiftLeft(hash, i32Const(4)),
    ...set(local.slot),
    ...when(isOther, keep, increase(local.total, shiftRight(byteAt(slot, TABLE_AT + SHORT_BYTES), i32Const(4)))),
  ]
  return [
    ...subtract(end, at),
    ...set(local.length),
    ...when(isBelow(length, i32Const(SHORT_BYTES + 1)), short, increase(local.total, outside)),
    ...end,
    ...set(local.at),
  ]
}

/** (from, ends, count) → tokens of the pieces that end at `ends`, four bytes each. */
function tallyFunction(): Code {
  const ends = get(local.to)
  return [
    ...loop([
      ...wordAt(ends, 0),
      ...set(local.end),
      ...countPiece(),
      ...increase(local.to, i32Const(4)),
      ...subtract(get(local.left), i32Const(1)),
      ...set(local.left),
      ...when(get(local.left), again(1)),
    ]),
    ...get(local.total),
  ]
}

/**
 * (from, to, –) → tokens of a text that is cut by the rule of Qwen and Llama 3. A word of ASCII letters with the character
 * before it, single digits, and signs and line breaks that stand alone are found here; all else is asked for outside.
 */
function countWordsFunction(hasSingleDigits: boolean): Code {
  const letters = get(local.letters)
  const kindOf = (byte: Code) => byteAt(byte, KINDS_AT)
  const isKind = (kind: number) => bothBits(kindOf(first), i32Const(kind))
  const start = add(at, bothBits(kindOf(first), i32Const(kinds.lead)))
  const folded = or(bytesAt(start, 0), sameBytes(0x20))
  const isLetter = bytesBelow(subtractBytes(folded, sameBytes(0x61)), 26)
  const afterWord = byteAt(add(get(local.end), letters), 0)
  const next = byteAt(at, 1)
  const isPrintable = isBelow(subtract(next, i32Const(0x21)), i32Const(0x5e))
  const isAlone = [
    ...(hasSingleDigits ? [isKind(kinds.digit)] : []),
    bothBits(isEqual(isKind(kinds.sign), i32Const(kinds.sign)), isEqual(next, i32Const(0x20))),
    bothBits(isEqual(first, i32Const(0x0a)), isPrintable),
  ].reduce(eitherBits)
  const other = when(isAlone, [...add(at, i32Const(1)), ...set(local.end)], [...at, ...call(imports.pieceEnd), ...set(local.end)])
  return [
    ...when(isBelow(at, get(local.to)), [
      ...loop([
        ...byteAt(at, 0),
        ...set(local.first),
        ...start,
        ...set(local.end),
        // A place that is no letter ends the run; there are at most sixteen.
        ...bitsBelowLowest(oddBits(topBits(isLetter), i32Const(0x1ffff))),
        ...set(local.letters),
        ...when(
          bothBits(isBelow(subtract(letters, i32Const(1)), i32Const(15)), isBelow(afterWord, i32Const(0x80))),
          increase(local.end, letters),
          other,
        ),
        ...countPiece(),
        ...when(isBelow(at, get(local.to)), again(1)),
      ]),
    ]),
    ...get(local.total),
  ]
}

/** The functions that are called outside: for a piece that is not in the table, and for a place where a piece ends. */
export interface CountingImports {
  countPiece(start: number, end: number): number
  pieceEnd(start: number): number
}

/** The counting code of one tokenizer, with its memory. */
export interface CountingCode {
  readonly memory: WebAssembly.Memory
  tally(from: number, endsAt: number, count: number): number
  countWords(from: number, to: number): number
  /** Puts the text of the next turn of a chat row at `textAt`; 0 where that has to be done otherwise. */
  takeText(at: number): number
  /** True for a text that NFC surely leaves alone. */
  isStable(from: number, to: number): boolean
}

/** Makes the counting code; a table of its own lies in its memory. */
export function createCountingCode(outside: CountingImports, hasSingleDigits: boolean): CountingCode {
  const shape = { parameters: 3, numbers: names.length - 4, blocks: 1 }
  const module = assemble(
    [
      { name: 'tally', ...shape, body: tallyFunction() },
      { name: 'countWords', ...shape, body: countWordsFunction(hasSingleDigits) },
      takeTextFunction('takeText', places),
      isStableFunction('isStable', places),
    ],
    {
      imports: [
        { name: 'countPiece', parameters: 2 },
        { name: 'pieceEnd', parameters: 1 },
      ],
      pages: Math.ceil(countingMemory.textAt / PAGE_BYTES) + 1,
    },
  )
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { ...outside } })
  const memory = exports['memory'] as WebAssembly.Memory
  fillTables(new Uint8Array(memory.buffer))
  const tally = exports['tally'] as CountingCode['tally']
  const countWords = exports['countWords'] as (from: number, to: number, unused: number) => number
  const takeText = exports['takeText'] as CountingCode['takeText']
  const findStable = exports['isStable'] as (from: number, to: number) => number
  let hasStable = false
  return {
    memory,
    tally,
    countWords: (from, to) => countWords(from, to, 0),
    takeText,
    isStable(from, to) {
      // Made when it is first asked for, because many tokenizers never do.
      if (!hasStable) new Uint8Array(memory.buffer).set(stableCharacters(), STABLE_AT)
      hasStable = true
      return findStable(from, to) === 1
    },
  }
}

function fillTables(bytes: Uint8Array): void {
  for (let length = 0; length <= SHORT_BYTES; length++) {
    const mask = MASKS_AT + length * MASK_BYTES
    bytes.fill(0xff, mask, mask + length)
    bytes[mask + 16 + SHORT_BYTES] = length
  }
  for (let byte = 0; byte < 0x80; byte++) bytes[KINDS_AT + byte] = kindsOf(String.fromCharCode(byte))
}

/** An apostrophe may begin a contraction, and a line break never leads a word. */
function kindsOf(character: string): number {
  if (/[A-Za-z\r\n']/.test(character)) return 0
  if (/[0-9]/.test(character)) return kinds.digit
  return /[!-~]/.test(character) ? kinds.lead | kinds.sign : kinds.lead
}
