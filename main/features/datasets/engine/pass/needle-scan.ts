import {
  add,
  again,
  and,
  answer,
  assemble,
  bitsBelowLowest,
  bothBits,
  bytesAt,
  countBits,
  either,
  equalBytes,
  get,
  i32Const,
  increase,
  isAny,
  isAtLeast,
  isBelow,
  isZero,
  loop,
  or,
  sameBytes,
  set,
  shiftLeft,
  storeWord,
  subtract,
  topBits,
  when,
  type Code,
} from '../wasm/assembly.ts'

/** Looks for a short text of ASCII characters in bytes that stand in its own memory; letters count in either case. */
export interface NeedleScan {
  /** Memory of at least so many bytes; what was in it stays, but earlier buffers of it are void. */
  room(bytes: number): Buffer
  /** Where the rarest characters of the text stand as they do in it, from one place up to another; the latter when nowhere. */
  next(from: number, to: number): number
  /** Line breaks that the last call passed before it stopped. */
  passedLines(): number
}

const dataFrom = 16
const blockBytes = 16
const pageBytes = 65_536
const newline = 10
const strideBlocks = 4
/** An address offset has to fit into seven bits, also in the last block of a stride. */
const furthest = 127 - (strideBlocks - 1) * blockBytes
const local = { at: 0, end: 1, lines: 2, hits: 3, breaks: 4, sums: 5 } as const
/** As many as make a place that is none of the text rarer than one that is. */
const mostPlaces = 3
/** Of characters this rare, two places rule out nearly every stride; the others are looked at block by block. */
const rareFrom = 9
/** Characters of chats, the commonest first; what is not among them is rarer still. */
const commonCharacters = ' etaoinsrhldcumfgpywbv,".k:-012'

/** Creates the scan for a text; a WebAssembly loop over 16 bytes at once, which is as fast as the memory. */
export function createNeedleScan(text: string): NeedleScan {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble([findFunction(text)])))
  const memory = instance.exports['memory'] as WebAssembly.Memory
  const find = instance.exports['find'] as (from: number, to: number) => number
  let view = Buffer.from(memory.buffer)
  let passed = new Uint32Array(memory.buffer, 0, 1)
  return {
    room(bytes) {
      const missing = dataFrom + bytes + 2 * furthest - view.length
      if (missing > 0) {
        memory.grow(Math.ceil(missing / pageBytes))
        view = Buffer.from(memory.buffer)
        passed = new Uint32Array(memory.buffer, 0, 1)
      }
      return view.subarray(dataFrom, dataFrom + bytes)
    },
    next: (from, to) => (from >= to ? to : find(dataFrom + from, dataFrom + to) - dataFrom),
    passedLines: () => passed[0] as number,
  }
}

/** (from, to) → the next place; how many line breaks stand before it is left at the start of the memory. */
function findFunction(text: string) {
  const places = rarestPlaces(text)
  const placesInStride = places.filter((place) => rarityOf(text.charAt(place)) >= rareFrom).length >= 2 ? 2 : mostPlaces
  const foundIn = (block: number, count: number): Code =>
    places
      .slice(0, count)
      .map((place) => isCharacter(bytesAt(get(local.at), block * blockBytes + place), text.charAt(place)))
      .reduce((a, b) => and(a, b))
  const breaksIn = (block: number): Code => equalBytes(bytesAt(get(local.at), block * blockBytes), newline)
  const blocks = Array.from({ length: strideBlocks }, (_, block) => block)
  // In the last block, what stands behind the end does not count.
  const rest = subtract(get(local.end), get(local.at))
  const inside = either(isAtLeast(rest, i32Const(blockBytes)), i32Const(0xffff), subtract(shiftLeft(i32Const(1), rest), i32Const(1)))
  const before = subtract(shiftLeft(i32Const(1), bitsBelowLowest(get(local.hits))), i32Const(1))
  const linesSoFar = [0, 1, 2, 3].map((lane) => laneOf(get(local.sums), lane)).reduce(add, get(local.lines))
  const body = [
    ...loop([
      ...when(isAtLeast(rest, i32Const(strideBlocks * blockBytes)), [
        ...when(isZero(isAny(blocks.map((block) => foundIn(block, placesInStride)).reduce((a, b) => or(a, b)))), [
          ...subtractSums(get(local.sums), blocks.map(breaksIn).reduce(addBytes)),
          ...set(local.sums),
          ...increase(local.at, i32Const(strideBlocks * blockBytes)),
          ...when(isBelow(get(local.at), get(local.end)), again(3)),
          ...storeWord(0, linesSoFar),
          ...answer(get(local.end)),
        ]),
      ]),
      ...bothBits(topBits(foundIn(0, mostPlaces)), inside),
      ...set(local.hits),
      ...bothBits(topBits(breaksIn(0)), inside),
      ...set(local.breaks),
      ...when(isZero(get(local.hits)), [
        ...increase(local.lines, countBits(get(local.breaks))),
        ...increase(local.at, i32Const(blockBytes)),
        ...when(isBelow(get(local.at), get(local.end)), again(2)),
        ...storeWord(0, linesSoFar),
        ...answer(get(local.end)),
      ]),
    ]),
    ...storeWord(0, add(linesSoFar, countBits(bothBits(get(local.breaks), before)))),
    ...add(get(local.at), bitsBelowLowest(get(local.hits))),
  ]
  return { name: 'find', parameters: 2, numbers: 3, blocks: 1, body }
}

/** How rare a character is in chats. */
function rarityOf(character: string): number {
  const rank = commonCharacters.indexOf(character.toLowerCase())
  return rank < 0 ? commonCharacters.length : rank
}

/** Where the text has the characters that few other places have, the rarest first, as far as one address can reach. */
function rarestPlaces(text: string): number[] {
  const places = Array.from({ length: Math.min(text.length, furthest + 1) }, (_, place) => place)
  return places.sort((a, b) => rarityOf(text.charAt(b)) - rarityOf(text.charAt(a))).slice(0, mostPlaces)
}

const addBytes = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x6e]
/** Takes the bytes, which are counts below zero, from four sums: in pairs first, then in fours. */
const subtractSums = (sums: Code, bytes: Code): Code => [...sums, ...bytes, 0xfd, 0x7c, 0xfd, 0x7e, 0xfd, 0xb1, 0x01]
const laneOf = (sums: Code, lane: number): Code => [...sums, 0xfd, 0x1b, lane]

/** Marks the bytes that are this character; a letter also as its other case, which differs in one bit. */
function isCharacter(bytes: Code, character: string): Code {
  const code = character.toLowerCase().charCodeAt(0)
  return /[a-z]/i.test(character) ? equalBytes(or(bytes, sameBytes(0x20)), code) : equalBytes(bytes, code)
}
