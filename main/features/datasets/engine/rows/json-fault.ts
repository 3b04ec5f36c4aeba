import type { RuleId } from './rule-numbers.ts'

/** Where a text stops being JSON, and what probably happened there. */
export interface JsonFault {
  readonly rule: RuleId
  /** 0-based index into the text. */
  readonly position: number
  readonly message: string
  readonly expected: string
}

type Expecting = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing'

const cutOff = {
  rule: 'json.truncated',
  message: 'the row ends in the middle of the conversation',
  expected: 'the rest of the row',
} as const
/** Words of other languages for JSON's three. */
export const foreignWords: ReadonlyMap<string, string> = new Map([
  ['NaN', 'null'],
  ['nan', 'null'],
  ['Infinity', 'null'],
  ['inf', 'null'],
  ['None', 'null'],
  ['undefined', 'null'],
  ['True', 'true'],
  ['TRUE', 'true'],
  ['False', 'false'],
  ['FALSE', 'false'],
])
const escapePattern = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const wordPattern = /-?[A-Za-z_]+/y
/** A line that is a piece of indented JSON: a bracket alone, or one entry of an object. */
const indentedPiece = /^\s*(?:[{}[\]],?|[}\]],|"[^"\\]{1,100}"\s*:\s*.*)\s*$/s

/** Finds the first fault in a text that `JSON.parse` refused; walks without recursion, so depth cannot hurt. */
export function explainJson(text: string): JsonFault {
  const fault = findFault(text)
  return indentedPiece.test(text) && fault.rule !== 'json.control-character'
    ? { ...fault, rule: 'json.spread-over-lines', message: 'the line is a piece of indented JSON', expected: 'one conversation per line' }
    : fault
}

function findFault(text: string): JsonFault {
  const open: ('{' | '[')[] = []
  let expecting: Expecting = 'value'
  let position = 0
  for (;;) {
    while (position < text.length && ' \t\n\r'.includes(text.charAt(position))) position += 1
    if (position >= text.length) return { position, ...cutOff }
    const char = text.charAt(position)
    if (expecting === 'nothing') return extraText(position, char)
    if (expecting === 'colon' || expecting === 'comma-or-end') {
      const next = punctuation(char, expecting, open)
      if (next === null) return unexpected(text, position, expecting, open.at(-1))
      expecting = next
      position += 1
      continue
    }
    const wantsKey = expecting.startsWith('key')
    const isEnd = (char === '}' && expecting === 'key-or-end') || (char === ']' && expecting === 'value-or-end')
    if (isEnd) {
      open.pop()
      position += 1
      expecting = afterValue(open)
      continue
    }
    if (wantsKey) {
      if (char !== '"') return unexpected(text, position, expecting, open.at(-1))
    } else if (char === '{' || char === '[') {
      open.push(char)
      expecting = char === '{' ? 'key-or-end' : 'value-or-end'
      position += 1
      continue
    }
    const token = scanToken(text, position)
    if (typeof token !== 'number') return token
    position = token
    expecting = wantsKey ? 'colon' : afterValue(open)
  }
}

function afterValue(open: readonly string[]): Expecting {
  return open.length === 0 ? 'nothing' : 'comma-or-end'
}

function punctuation(char: string, expecting: 'colon' | 'comma-or-end', open: ('{' | '[')[]): Expecting | null {
  if (expecting === 'colon') return char === ':' ? 'value' : null
  const inside = open.at(-1)
  if (char === ',') return inside === '{' ? 'key' : 'value'
  if (char !== (inside === '{' ? '}' : ']')) return null
  open.pop()
  return afterValue(open)
}

/** The end of the string, number or word at `start`, or the fault inside it. */
function scanToken(text: string, start: number): number | JsonFault {
  if (text.charAt(start) === '"') return scanString(text, start)
  const word = matchAt(wordPattern, text, start)
  if (word !== '' && word !== '-') {
    if (word === 'true' || word === 'false' || word === 'null') return start + word.length
    return foreignWord(text, word, start)
  }
  const number = matchAt(numberPattern, text, start)
  if (number !== '') return start + number.length
  return unexpected(text, start, 'value', undefined)
}

function scanString(text: string, start: number): number | JsonFault {
  for (let index = start + 1; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === 34) return index + 1
    if (code === 0) return zeroByte(index)
    if (code < 32) {
      const message = `a text holds a raw control character (${nameControl(code)})`
      return { rule: 'json.control-character', position: index, message, expected: 'an escape such as \\t or \\n' }
    }
    if (code !== 92) continue
    const escape = matchAt(escapePattern, text, index)
    if (escape === '' && index + 6 > text.length) break
    if (escape === '') {
      const message = `a text holds a backslash before ${JSON.stringify(text.charAt(index + 1))}, which JSON does not know`
      return { rule: 'json.invalid', position: index, message, expected: 'two backslashes (\\\\) for one in the text' }
    }
    index += escape.length - 1
  }
  return { position: text.length, ...cutOff }
}

function foreignWord(text: string, word: string, position: number): JsonFault {
  const replacement = foreignWords.get(word.replace(/^-/, ''))
  if (replacement !== undefined) {
    return { rule: 'json.python-literal', position, message: `${word} is not JSON; it often comes from Python`, expected: replacement }
  }
  // A word that the end of the text cuts is a cut row, not a wrong word.
  const isCut = position + word.length === text.length && ['true', 'false', 'null'].some((known) => known.startsWith(word))
  if (isCut) return { position: text.length, ...cutOff }
  return {
    rule: 'json.invalid',
    position,
    message: `the word ${word.slice(0, 40)} stands outside quotation marks`,
    expected: 'text in double quotation marks',
  }
}

function unexpected(text: string, position: number, expecting: Expecting, inside: '{' | '[' | undefined): JsonFault {
  const char = text.charAt(position)
  if (char === '\0') return zeroByte(position)
  if (char === "'") {
    return { rule: 'json.single-quotes', position, message: 'single quotation marks are used', expected: 'double quotation marks' }
  }
  if ((char === '}' || char === ']') && (expecting === 'key' || expecting === 'value')) {
    const isComma = text.slice(0, position).trimEnd().endsWith(',')
    const message = isComma ? `a comma stands before the closing ${char}` : `a value is missing before ${char}`
    return { rule: isComma ? 'json.trailing-comma' : 'json.invalid', position, message, expected: isComma ? 'no comma' : 'a value' }
  }
  const got = JSON.stringify(String.fromCodePoint(text.codePointAt(position) ?? 0))
  const expected =
    expecting === 'comma-or-end'
      ? `a comma or the closing ${inside === '{' ? '}' : ']'}`
      : expecting === 'colon'
        ? 'a colon'
        : expecting === 'value' || expecting === 'value-or-end'
          ? 'a value'
          : 'a name in double quotation marks'
  return { rule: 'json.invalid', position, message: `${got} stands where ${expected} should be`, expected }
}

function zeroByte(position: number): JsonFault {
  return { rule: 'encoding.nul', position, message: 'the row holds a zero byte', expected: 'text without zero bytes' }
}

function extraText(position: number, char: string): JsonFault {
  if (char === '{' || char === '[') {
    return {
      rule: 'json.multiple-objects',
      position,
      message: 'a second conversation follows on the same line',
      expected: 'one conversation',
    }
  }
  if (char === '\0') return zeroByte(position)
  const rule = char === ',' ? 'json.trailing-comma' : 'json.invalid'
  return { rule, position, message: `${JSON.stringify(char)} follows after the conversation`, expected: 'the end of the line' }
}

/** Names a control character as people know it. */
export function nameControl(code: number): string {
  const known: Readonly<Record<number, string>> = {
    0: 'zero',
    8: 'backspace',
    9: 'tab',
    10: 'line break',
    12: 'form feed',
    13: 'return',
    27: 'escape',
  }
  return known[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

function matchAt(pattern: RegExp, text: string, start: number): string {
  pattern.lastIndex = start
  return pattern.exec(text)?.[0] ?? ''
}
