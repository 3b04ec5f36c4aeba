import {
  add,
  again,
  and,
  answer,
  bitsBelowLowest,
  bothBits,
  byteAt,
  bytesAt,
  bytesBelow,
  bytesBelowSigned,
  bytesFrom,
  call,
  countBits,
  either,
  eitherBits,
  equalBytes,
  get,
  i32Const,
  increase,
  isAny,
  isAtLeast,
  isBelow,
  isEqual,
  isUnequal,
  isZero,
  loop,
  multiply,
  or,
  sameBytes,
  set,
  shiftLeft,
  shiftRight,
  storeWord,
  subtract,
  topBits,
  wordAt,
  when,
  type AssembledFunction,
  type Code,
} from '../wasm/assembly.ts'

/** Where the counts of a plain chat row are left in the memory; the row itself starts behind them. */
export const plainChatCounts = { characters: 0, assistantCharacters: 4, turns: 8, assistantTurns: 12, bytes: 16 } as const
/** What is answered for a plain chat row; 0 says that the row has to be read in full. */
export const plainChatBits = { isPlainChat: 1, notAscii: 2, angleToken: 4, squareToken: 8 } as const

/** How two neighbouring bytes are looked up among the starts of control tokens. */
interface TokenPairs {
  readonly kinds: (first: Code, second: Code) => Code
  readonly angleKinds: number
  readonly squareKind: number
}

/** Numbers of the functions that this one calls. */
interface TextFunctions {
  readonly isBlank: number
  readonly hexUnit: number
}

const names = [
  'at',
  'end',
  'previous',
  'role',
  'units',
  'characters',
  'answerCharacters',
  'turns',
  'answers',
  'start',
  'found',
  'length',
  'below',
  'blankEnd',
  'unit',
  'block',
  'seen',
  'all',
] as const
const local = Object.fromEntries(names.map((name, index) => [name, index])) as Record<(typeof names)[number], number>
const speaker = { nobody: 0, system: 1, user: 2, assistant: 3 } as const
const at = get(local.at)
const code = (character: string): Code => i32Const(character.charCodeAt(0))

const giveUpIf = (condition: Code): Code => when(condition, answer(i32Const(0)))
const giveUpUnless = (condition: Code): Code => giveUpIf(isZero(condition))
const stepOver = (bytes: number): Code => increase(local.at, i32Const(bytes))
const skipSpaces = loop(when(isEqual(byteAt(at, 0), code(' ')), [...stepOver(1), ...again(1)]))

/** True when this text stands here; it is compared four bytes at a time, the last ones once more where that is needed. */
function stands(text: string): Code {
  const bytes = Buffer.from(text)
  const offsets = [
    ...Array.from({ length: bytes.length >> 2 }, (_, index) => index * 4),
    ...(bytes.length % 4 === 0 ? [] : [bytes.length - 4]),
  ]
  return offsets.map((offset) => isEqual(wordAt(at, offset), i32Const(bytes.readInt32LE(offset)))).reduce(bothBits)
}

/** A sign or a name, and the spaces behind it. */
function expect(text: string): Code {
  const condition = text.length === 1 ? isEqual(byteAt(at, 0), code(text)) : stands(text)
  return [...giveUpUnless(condition), ...stepOver(text.length), ...skipSpaces]
}

/** The role, where it follows the usual order: a system turn first, then user and assistant in turn. */
function readRole(): Code {
  const take = (word: string, role: number, isInOrder: Code) => [
    ...giveUpUnless(isInOrder),
    ...i32Const(role),
    ...set(local.role),
    ...stepOver(word.length),
  ]
  const previousIs = (who: number) => isEqual(get(local.previous), i32Const(who))
  const user = take('"user"', speaker.user, isZero(previousIs(speaker.user)))
  const assistant = take('"assistant"', speaker.assistant, previousIs(speaker.user))
  const system = take('"system"', speaker.system, previousIs(speaker.nobody))
  const systemOnly = [...giveUpUnless(stands('"system"')), ...system]
  return when(stands('"user"'), user, when(stands('"assistant"'), assistant, systemOnly))
}

/** Steps over one escape, or the two of a pair, and counts all units but one. */
function readEscape({ hexUnit }: TextFunctions): Code {
  const escaped = byteAt(at, 1)
  const unit = get(local.unit)
  const unitIs = (value: number) => isEqual(unit, i32Const(value))
  const isAmong = (from: number, count: number) => isBelow(subtract(unit, i32Const(from)), i32Const(count))
  const isWhiteEscape = ['n', 'r', 't'].map((letter) => isEqual(escaped, code(letter))).reduce(eitherBits)
  const before = byteAt(subtract(at, i32Const(1)), 0)
  const breaksToken = eitherBits(isEqual(before, code('<')), isEqual(before, code('[')))
  const isSignEscape = [
    isEqual(escaped, code('"')),
    isEqual(escaped, code('\\')),
    bothBits(isEqual(escaped, code('/')), isZero(breaksToken)),
  ].reduce(eitherBits)
  const second = [...wordAt(at, 8), ...call(hexUnit)]
  const isPair = [
    isEqual(byteAt(at, 6), code('\\')),
    isEqual(byteAt(at, 7), code('u')),
    isEqual(bothBits(second, i32Const(0xfc00)), i32Const(0xdc00)),
  ].reduce(bothBits)
  // Control characters, what control tokens are made of, and ASCII that nobody escapes are looked at by the reader.
  const isUnusual = [isBelow(unit, i32Const(0x80)), unitIs(0xff5c), isAmong(0xdc00, 0x400)].reduce(eitherBits)
  const isBlank = [...[0xa0, 0x1680, 0x3000, 0xfeff].map(unitIs), isAmong(0x2000, 0x10), isAmong(0x2028, 0x38)].reduce(eitherBits)
  const unicode = [
    ...wordAt(at, 2),
    ...call(hexUnit),
    ...set(local.unit),
    ...giveUpIf(isUnusual),
    ...when(isBlank, [...giveUpIf(isEqual(at, get(local.start))), ...add(at, i32Const(6)), ...set(local.blankEnd)]),
    ...when(isAmong(0xd800, 0x400), [...giveUpUnless(isPair), ...stepOver(6), ...increase(local.units, i32Const(1))]),
    ...stepOver(6),
  ]
  const simple = [...when(isWhiteEscape, [...add(at, i32Const(2)), ...set(local.blankEnd)], giveUpUnless(isSignEscape)), ...stepOver(2)]
  return when(isEqual(escaped, code('u')), unicode, simple)
}

/** Steps over a text up to its closing mark and counts its UTF-16 units. */
function readText({ kinds }: TokenPairs, functions: TextFunctions): Code {
  const block = get(local.block)
  const unit = (mask: Code) => countBits(bothBits(topBits(mask), get(local.below)))
  return loop([
    ...bytesAt(at, 0),
    ...set(local.block),
    ...or(get(local.all), block),
    ...set(local.all),
    ...when(isAny(or(equalBytes(block, 60), equalBytes(block, 91))), [
      ...or(get(local.seen), kinds(block, bytesAt(at, 1))),
      ...set(local.seen),
    ]),
    ...topBits(or(or(equalBytes(block, 34), equalBytes(block, 92)), bytesBelow(block, 32))),
    ...set(local.found),
    ...bitsBelowLowest(eitherBits(get(local.found), i32Const(1 << 16))),
    ...set(local.length),
    ...subtract(shiftLeft(i32Const(1), get(local.length)), i32Const(1)),
    ...set(local.below),
    // Bytes that continue a character are no units; the first of four stands for two.
    ...increase(local.units, add(subtract(get(local.length), unit(bytesBelowSigned(block, 0xc0))), unit(bytesFrom(block, 0xf0)))),
    ...increase(local.at, get(local.length)),
    ...when(isZero(get(local.found)), again(1)),
    ...when(isEqual(byteAt(at, 0), code('\\')), [...readEscape(functions), ...increase(local.units, i32Const(1)), ...again(1)]),
    ...giveUpUnless(isEqual(byteAt(at, 0), code('"'))),
  ])
}

/** White space at the start of a text, or a character that may be white space. */
function startsBlank(isBlank: number): Code {
  const first = byteAt(at, 0)
  const isEscapedBlank = bothBits(isEqual(first, code('\\')), isBelow(subtract(byteAt(at, 1), code('n')), i32Const(7)))
  return eitherBits(
    eitherBits(isEqual(first, code(' ')), isEqual(first, code('"'))),
    eitherBits(isEscapedBlank, [...wordAt(at, 0), ...call(isBlank)]),
  )
}

function endsBlank(isBlank: number): Code {
  const last = wordAt(subtract(at, i32Const(4)), 0)
  return eitherBits(eitherBits(isEqual(shiftRight(last, i32Const(24)), code(' ')), isEqual(get(local.blankEnd), at)), [
    ...shiftRight(last, i32Const(8)),
    ...call(isBlank),
  ])
}

function readTurn(pairs: TokenPairs, functions: TextFunctions): Code {
  const { isBlank } = functions
  const isAssistant = isEqual(get(local.role), i32Const(speaker.assistant))
  return [
    ...['{', '"role"', ':'].flatMap(expect),
    ...readRole(),
    ...skipSpaces,
    ...[',', '"content"', ':'].flatMap(expect),
    ...giveUpUnless(isEqual(byteAt(at, 0), code('"'))),
    ...stepOver(1),
    ...giveUpIf(startsBlank(isBlank)),
    ...i32Const(0),
    ...set(local.units),
    ...at,
    ...set(local.start),
    ...readText(pairs, functions),
    ...increase(local.characters, get(local.units)),
    ...increase(local.turns, i32Const(1)),
    ...when(isAssistant, [
      ...giveUpIf(endsBlank(isBlank)),
      ...increase(local.answerCharacters, get(local.units)),
      ...increase(local.answers, i32Const(1)),
    ]),
    ...get(local.role),
    ...set(local.previous),
    ...['"', '}'].flatMap(expect),
  ]
}

/**
 * The function (from, to) that knows a chat row in its commonest form and without any fault; what is unusual in the
 * least is left to the reader. It trusts that the bytes are UTF-8 and that a zero stands behind the row.
 */
export function plainChatFunction(name: string, pairs: TokenPairs, functions: TextFunctions): AssembledFunction {
  const isSeen = (mask: number) => isAny(and(get(local.seen), sameBytes(mask)))
  const marked = (condition: Code, bit: number) => [...condition, ...i32Const(bit), 0x6c, 0x72]
  const body = [
    ...skipSpaces,
    ...['{', '"messages"', ':', '['].flatMap(expect),
    ...loop([...readTurn(pairs, functions), ...when(isEqual(byteAt(at, 0), code(',')), [...stepOver(1), ...skipSpaces, ...again(1)])]),
    ...[']', '}'].flatMap(expect),
    ...giveUpIf(isUnequal(at, get(local.end))),
    ...giveUpIf(isUnequal(get(local.previous), i32Const(speaker.assistant))),
    ...storeWord(plainChatCounts.characters, get(local.characters)),
    ...storeWord(plainChatCounts.assistantCharacters, get(local.answerCharacters)),
    ...storeWord(plainChatCounts.turns, get(local.turns)),
    ...storeWord(plainChatCounts.assistantTurns, get(local.answers)),
    ...i32Const(plainChatBits.isPlainChat),
    ...marked(isUnequal(topBits(get(local.all)), i32Const(0)), plainChatBits.notAscii),
    ...marked(isSeen(pairs.angleKinds), plainChatBits.angleToken),
    ...marked(isSeen(pairs.squareKind), plainChatBits.squareToken),
  ]
  return { name, parameters: 2, numbers: local.block - 2, blocks: 3, body }
}

/** The function that tells three bytes which may be one of the rare kinds of white space, or hold one. */
export function rareBlankFunction(): AssembledFunction {
  const three = bothBits(get(0), i32Const(0xffffff))
  const two = bothBits(get(0), i32Const(0xffff))
  const third = bothBits(shiftRight(get(0), i32Const(16)), i32Const(0xff))
  // U+2000–200A, 2028, 2029 and 202F; the quotation marks and dashes between them are common.
  const isWide = bothBits(isEqual(two, i32Const(0x80e2)), isAtLeast(subtract(third, i32Const(0x90)), i32Const(0x17)))
  const isOther = [
    isEqual(two, i32Const(0xa0c2)),
    isEqual(shiftRight(three, i32Const(8)), i32Const(0xa0c2)),
    isEqual(two, i32Const(0x81e2)),
    isEqual(three, i32Const(0x809ae1)),
    isEqual(three, i32Const(0x8080e3)),
    isEqual(three, i32Const(0xbfbbef)),
  ].reduce(eitherBits)
  return { name: null, parameters: 1, numbers: 0, blocks: 0, body: eitherBits(isWide, isOther) }
}

/** The function that reads four hexadecimal digits; 0 where they are none. */
export function hexUnitFunction(): AssembledFunction {
  const digits = [0, 8, 16, 24].map((shift) => {
    const byte = bothBits(shiftRight(get(0), i32Const(shift)), i32Const(0xff))
    const folded = eitherBits(byte, i32Const(32))
    const isDecimal = isBelow(subtract(byte, code('0')), i32Const(10))
    const isLetter = isBelow(subtract(folded, code('a')), i32Const(6))
    const value = either(isDecimal, subtract(byte, code('0')), subtract(folded, i32Const(87)))
    return { value: shiftLeft(value, i32Const(12 - shift / 2)), isValid: eitherBits(isDecimal, isLetter) }
  })
  const value = digits.map((digit) => digit.value).reduce(eitherBits)
  const isValid = digits.map((digit) => digit.isValid).reduce(bothBits)
  return { name: null, parameters: 1, numbers: 0, blocks: 0, body: multiply(value, isValid) }
}
