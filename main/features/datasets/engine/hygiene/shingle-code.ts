import {
  add,
  again,
  assemble,
  bothBits,
  byteAt,
  call,
  eitherBits,
  get,
  halfWordAt,
  i32Const,
  increase,
  isAbove,
  isBelow,
  isEqual,
  isUnequal,
  loop,
  multiply,
  oddBits,
  set,
  shiftLeft,
  shiftRight,
  storeWordAt,
  subtract,
  when,
  wordAt,
  type AssembledFunction,
  type Code,
} from '../wasm/assembly.ts'
import { takeTextFunction } from '../wasm/chat-text-code.ts'
import { createWordCodes, shingleNumbers } from './shingles.ts'

/** Where the code keeps what it knows between two texts of a row, and its bins. */
const FOUND_AT = 0
const STATE_AT = 16
const BINS_AT = 64
const CODES_AT = 1024
const TEXT_AT = CODES_AT + 2 * 0x10000
const PAGE_BYTES = 65_536
const AHEAD = 64
/** Longer rows are read as strings, so that a huge one does not leave the memory of three. */
const LARGEST_CHAT = 1 << 20
const LIST = '['.charCodeAt(0)
const SYSTEM = 's'.charCodeAt(0)

/** Bins of a signature; a shingle's bin is in the upper seven bits of its mixed hash. */
const BINS = 128
const BIN_SHIFT = 25
const { wordPrime, base, baseToFour, wordsPerShingle } = shingleNumbers

/** Of the state in memory, four bytes each. */
const kept = { word1: 0, word2: 4, word3: 8, word4: 12, word5: 16, words: 20, hash: 24, shingles: 28 } as const
const names = ['at', 'to', 'first', 'code', 'folded', 'word', 'next', 'hash', 'mixed', 'words', 'shingles'] as const
const wordNames = ['word1', 'word2', 'word3', 'word4', 'word5'] as const
const all = [...names, ...wordNames] as const
const local = Object.fromEntries(all.map((name, index) => [name, index])) as Record<(typeof all)[number], number>
const at = get(local.at)
const first = get(local.first)
const word = get(local.word)
const state = (name: keyof typeof kept): Code => wordAt(i32Const(STATE_AT), kept[name])

/** (hash) → 0; enters one shingle into its bin, which keeps its greatest value. */
function enterFunction(): AssembledFunction {
  const hash = get(0)
  const stir = (by: number, factor: number): Code => [
    ...multiply(oddBits(hash, shiftRight(hash, i32Const(by))), i32Const(factor)),
    ...set(0),
  ]
  const bin = get(1)
  const value = get(2)
  const body = [
    ...stir(16, 0x85ebca6b),
    ...stir(13, 0xc2b2ae35),
    ...shiftLeft(shiftRight(hash, i32Const(BIN_SHIFT)), i32Const(2)),
    ...set(1),
    ...multiply(oddBits(hash, shiftRight(hash, i32Const(15))), i32Const(0x27d4eb2f)),
    ...set(2),
    ...when(isAbove(value, wordAt(bin, BINS_AT)), storeWordAt(bin, BINS_AT, value)),
    ...i32Const(0),
  ]
  return { name: 'enter', parameters: 1, numbers: 2, blocks: 0, body }
}

const mixIn = (unit: Code): Code => [
  ...multiply(oddBits(word, unit), i32Const(wordPrime)),
  ...set(local.word),
  ...oddBits(word, shiftRight(word, i32Const(15))),
  ...set(local.word),
]

/** Ends the word, and `next` behind it where that is a word of its own. */
function endWord(): Code {
  const leaving = multiply(get(local.word5), i32Const(baseToFour))
  const take = (name: (typeof wordNames)[number], from: Code): Code => [...from, ...set(local[name])]
  const shift = [
    ...take('word5', get(local.word4)),
    ...take('word4', get(local.word3)),
    ...take('word3', get(local.word2)),
    ...take('word2', get(local.word1)),
    ...take('word1', word),
  ]
  return loop([
    ...when(isUnequal(word, i32Const(0)), [
      ...add(multiply(subtract(get(local.hash), leaving), i32Const(base)), word),
      ...set(local.hash),
      ...shift,
      ...increase(local.words, i32Const(1)),
      ...when(isAbove(get(local.words), i32Const(wordsPerShingle - 1)), [
        ...get(local.hash),
        ...call(0),
        ...set(local.mixed),
        ...increase(local.shingles, i32Const(1)),
      ]),
      ...get(local.next),
      ...set(local.word),
      ...i32Const(0),
      ...set(local.next),
      ...again(1),
    ]),
    ...get(local.next),
    ...set(local.word),
  ])
}

/** (from, to) → 0; reads the words of one text, whose end ends the last of them. */
function readWordsFunction(): AssembledFunction {
  const low = (offset: number) => bothBits(byteAt(at, offset), i32Const(0x3f))
  const stepOver = (bytes: number): Code => increase(local.at, i32Const(bytes))
  const setCode = (code: Code): Code => [...code, ...set(local.code)]
  const two = [...setCode(eitherBits(shiftLeft(bothBits(first, i32Const(0x1f)), i32Const(6)), low(1))), ...stepOver(2)]
  const three = [
    ...setCode(eitherBits(eitherBits(shiftLeft(bothBits(first, i32Const(0x0f)), i32Const(12)), shiftLeft(low(1), i32Const(6))), low(2))),
    ...stepOver(3),
  ]
  const above = eitherBits(eitherBits(shiftLeft(low(1), i32Const(12)), shiftLeft(low(2), i32Const(6))), low(3))
  const point = eitherBits(shiftLeft(bothBits(first, i32Const(0x07)), i32Const(18)), above)
  // Two UTF-16 units, each of which counts like a letter.
  const four = [
    ...setCode(subtract(point, i32Const(0x10000))),
    ...mixIn(add(shiftRight(get(local.code), i32Const(10)), i32Const(0xd800))),
    ...setCode(add(bothBits(get(local.code), i32Const(0x3ff)), i32Const(0xdc00))),
    ...stepOver(4),
  ]
  const isBelowByte = (limit: number) => isBelow(first, i32Const(limit))
  const readCode = when(
    isBelowByte(0x80),
    [...setCode(first), ...stepOver(1)],
    when(isBelowByte(0xe0), two, when(isBelowByte(0xf0), three, four)),
  )
  const folded = get(local.folded)
  const ownWord = eitherBits(multiply(get(local.code), i32Const(wordPrime)), i32Const(1))
  const load = (name: keyof typeof kept): Code => [...state(name), ...set(local[name])]
  const store = (name: keyof typeof kept): Code => storeWordAt(i32Const(STATE_AT), kept[name], get(local[name]))
  const fields = Object.keys(kept) as (keyof typeof kept)[]
  const body = [
    ...fields.flatMap(load),
    ...loop([
      ...when(isBelow(at, get(local.to)), [
        ...byteAt(at, 0),
        ...set(local.first),
        ...readCode,
        ...halfWordAt(shiftLeft(get(local.code), i32Const(1)), CODES_AT),
        ...set(local.folded),
        ...when(isAbove(folded, i32Const(1)), [...mixIn(folded), ...again(2)]),
        ...i32Const(0),
        ...set(local.next),
        ...when(isEqual(folded, i32Const(1)), [...ownWord, ...set(local.next)]),
        ...endWord(),
        ...again(1),
      ]),
    ]),
    ...i32Const(0),
    ...set(local.next),
    ...endWord(),
    ...fields.flatMap(store),
    ...i32Const(0),
  ]
  return { name: 'readWords', parameters: 2, numbers: all.length - 2, blocks: 0, body }
}

/** Bins of the shingles of one chat row, read from its bytes. */
export interface ChatShingles {
  /** Null for a row whose texts have to be read otherwise; the array is re-used, and an empty bin is 0. */
  read(row: Uint8Array, turns: number): Uint32Array | null
}

/** Creates the reader of plain chat rows; it finds the same shingles as reading their texts as strings. */
export function createChatShingles(): ChatShingles {
  const places = { foundAt: FOUND_AT, textAt: TEXT_AT, stableAt: 0 }
  const module = assemble([enterFunction(), readWordsFunction(), takeTextFunction('takeText', places)], {
    pages: Math.ceil(TEXT_AT / PAGE_BYTES) + 1,
  })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module))
  const memory = exports['memory'] as WebAssembly.Memory
  const enter = exports['enter'] as (hash: number) => number
  const readWords = exports['readWords'] as (from: number, to: number) => number
  const takeText = exports['takeText'] as (at: number) => number
  new Uint16Array(memory.buffer, CODES_AT, 0x10000).set(createWordCodes())
  let bytes = Buffer.from(memory.buffer)
  let words = new Uint32Array(memory.buffer, 0, (BINS_AT + 4 * BINS) / 4)
  const makeRoom = (needed: number): void => {
    if (needed <= bytes.length) return
    memory.grow(Math.ceil((needed * 2 - bytes.length) / PAGE_BYTES))
    bytes = Buffer.from(memory.buffer)
    words = new Uint32Array(memory.buffer, 0, (BINS_AT + 4 * BINS) / 4)
  }
  const stateOf = (name: keyof typeof kept): number => words[(STATE_AT + kept[name]) / 4] as number
  return {
    read(row, turns) {
      if (row.length > LARGEST_CHAT) return null
      const rowAt = TEXT_AT + row.length + AHEAD
      makeRoom(rowAt + row.length + AHEAD)
      bytes.set(row, rowAt)
      words.fill(0)
      // The name "messages" stands before the first turn.
      let from = bytes.indexOf(LIST, rowAt)
      for (let turn = 0; turn < turns; turn += 1) {
        from = takeText(from)
        if (from === 0) return null
        // A long system message that all rows share would make strangers look alike.
        if (words[FOUND_AT / 4] !== SYSTEM) readWords(TEXT_AT, words[FOUND_AT / 4 + 1] as number)
      }
      if (stateOf('shingles') === 0 && stateOf('words') > 0) enter(stateOf('hash'))
      return words.subarray(BINS_AT / 4)
    },
  }
}
