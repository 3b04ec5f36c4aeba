import {
  add,
  again,
  answer,
  bitsBelowLowest,
  bothBits,
  byteAt,
  bytesAt,
  either,
  eitherBits,
  equalBytes,
  get,
  i32Const,
  increase,
  isAny,
  isBelow,
  isEqual,
  isUnequal,
  isZero,
  loop,
  or,
  set,
  shiftLeft,
  shiftRight,
  storeByte,
  storeBytes,
  storeWord,
  topBits,
  when,
  type AssembledFunction,
  type Code,
} from './assembly.ts'

/** Where the code leaves what it found, and where its table of characters lies. */
export interface ChatTextPlaces {
  /** Three words: first letter of the role, end of the text, bits of `chatTextBits`. */
  readonly foundAt: number
  /** The text is put here, without escapes. */
  readonly textAt: number
  /** One bit for each character up to U+FFFF that stands the same in NFC beside whatever other such characters. */
  readonly stableAt: number
}

/** What a text may hold. */
export const chatTextBits = { angle: 1, notAscii: 2 } as const

const code = (character: string): Code => i32Const(character.charCodeAt(0))

/** Marks of a string up to the one that opens the text of a turn: `{"role": "user", "content": "`. */
const MARKS_BEFORE_TEXT = 7
const MARKS_BEFORE_ROLE = 3

const takes = { at: 0, marks: 1, to: 2, found: 3, length: 4, block: 5, angles: 6, seen: 7 } as const

/**
 * (at) → where the next turn of a chat row in its commonest form goes on behind its text, which is put in its place without
 * escapes; 0 where it holds a Unicode escape. `at` lies between the turn before and this one.
 */
export function takeTextFunction(name: string, { foundAt, textAt }: ChatTextPlaces): AssembledFunction {
  const at = get(takes.at)
  const to = get(takes.to)
  const block = get(takes.block)
  const stepOver = (bytes: number): Code => increase(takes.at, i32Const(bytes))
  const isMark = isEqual(byteAt(at, 0), code('"'))
  const skip = loop([
    ...when(isMark, [
      ...increase(takes.marks, i32Const(1)),
      ...when(isEqual(get(takes.marks), i32Const(MARKS_BEFORE_ROLE)), storeWord(foundAt, byteAt(at, 1))),
    ]),
    ...stepOver(1),
    ...when(isBelow(get(takes.marks), i32Const(MARKS_BEFORE_TEXT)), again(1)),
  ])
  const escaped = byteAt(at, 1)
  const meant = (letter: string, value: number, otherwise: Code) => either(isEqual(escaped, code(letter)), i32Const(value), otherwise)
  const readEscape = [
    ...when(isEqual(escaped, code('u')), answer(i32Const(0))),
    ...storeByte(to, 0, meant('n', 10, meant('r', 13, meant('t', 9, escaped)))),
    ...increase(takes.to, i32Const(1)),
    ...stepOver(2),
  ]
  const copy = loop([
    ...bytesAt(at, 0),
    ...set(takes.block),
    ...storeBytes(to, 0, block),
    ...or(get(takes.seen), block),
    ...set(takes.seen),
    ...or(get(takes.angles), equalBytes(block, '<'.charCodeAt(0))),
    ...set(takes.angles),
    ...topBits(or(equalBytes(block, 34), equalBytes(block, 92))),
    ...set(takes.found),
    ...bitsBelowLowest(eitherBits(get(takes.found), i32Const(1 << 16))),
    ...set(takes.length),
    ...increase(takes.at, get(takes.length)),
    ...increase(takes.to, get(takes.length)),
    ...when(isZero(get(takes.found)), again(1)),
    ...when(isEqual(byteAt(at, 0), code('\\')), [...readEscape, ...again(1)]),
  ])
  const notAscii = shiftLeft(isUnequal(topBits(get(takes.seen)), i32Const(0)), i32Const(1))
  const body = [
    ...skip,
    ...i32Const(textAt),
    ...set(takes.to),
    ...copy,
    ...storeWord(foundAt + 4, to),
    ...storeWord(foundAt + 8, eitherBits(isAny(get(takes.angles)), notAscii)),
    ...add(at, i32Const(1)),
  ]
  return { name, parameters: 1, numbers: takes.block - 1, blocks: 3, body }
}

const checks = { at: 0, to: 1, first: 2, character: 3 } as const

/** (from, to) → whether the text stands the same in NFC for sure. */
export function isStableFunction(name: string, { stableAt }: ChatTextPlaces): AssembledFunction {
  const at = get(checks.at)
  const first = get(checks.first)
  const character = get(checks.character)
  const stepOver = (bytes: number): Code => increase(checks.at, i32Const(bytes))
  const low = (offset: number) => bothBits(byteAt(at, offset), i32Const(0x3f))
  const isMarked = bothBits(shiftRight(byteAt(shiftRight(character, i32Const(3)), stableAt), bothBits(character, i32Const(7))), i32Const(1))
  const two = [...eitherBits(shiftLeft(bothBits(first, i32Const(0x1f)), i32Const(6)), low(1)), ...set(checks.character), ...stepOver(2)]
  const three = [
    ...eitherBits(eitherBits(shiftLeft(bothBits(first, i32Const(0x0f)), i32Const(12)), shiftLeft(low(1), i32Const(6))), low(2)),
    ...set(checks.character),
    ...stepOver(3),
  ]
  // U+1F000–1FFFF: signs and emoji, none of which composes or combines. Other characters of four bytes are rare.
  const isSign = bothBits(isEqual(first, i32Const(0xf0)), isEqual(byteAt(at, 1), i32Const(0x9f)))
  const four = [...when(isZero(isSign), answer(i32Const(0))), ...i32Const('.'.charCodeAt(0)), ...set(checks.character), ...stepOver(4)]
  const body = [
    ...loop([
      ...when(isBelow(at, get(checks.to)), [
        ...when(isZero(topBits(bytesAt(at, 0))), [...stepOver(16), ...again(2)]),
        ...byteAt(at, 0),
        ...set(checks.first),
        ...when(isBelow(first, i32Const(0x80)), [...stepOver(1), ...again(2)]),
        ...when(isBelow(first, i32Const(0xe0)), two, when(isBelow(first, i32Const(0xf0)), three, four)),
        ...when(isMarked, again(2)),
        ...answer(i32Const(0)),
      ]),
    ]),
    ...i32Const(1),
  ]
  return { name, parameters: 2, numbers: 2, blocks: 0, body }
}

/** Bits of the characters up to U+FFFF that NFC leaves alone in any company of their kind: none composes, moves or combines. */
export function stableCharacters(): Uint8Array {
  const bits = new Uint8Array(0x10000 / 8)
  const combines = /[\p{M}\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]/u
  for (let code = 0; code < 0x10000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue
    const character = String.fromCharCode(code)
    if (code < 0x300 || (character.normalize('NFC') === character && !combines.test(character))) {
      bits[code >> 3] = (bits[code >> 3] as number) | (1 << (code & 7))
    }
  }
  return bits
}
