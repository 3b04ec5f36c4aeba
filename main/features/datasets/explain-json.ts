/** Where a line stops being JSON, and what probably happened there. */
export interface JsonFault {
  /** 0-based index into the text. */
  readonly position: number
  readonly message: string
  readonly suggestion: string
}

type Expecting = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing'

const cutOff = {
  message: 'the line ends in the middle of the conversation',
  suggestion: 'The file may have been cut off while it was written; export it again, or remove this line.',
}
const foreignWords: ReadonlyMap<string, string> = new Map([
  ['NaN', 'null'],
  ['Infinity', 'null'],
  ['None', 'null'],
  ['undefined', 'null'],
  ['True', 'true'],
  ['False', 'false'],
])
const escapePattern = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const wordPattern = /-?[A-Za-z_]+/y

/** Finds the first fault in a text that `JSON.parse` refused; walks without recursion, so depth cannot hurt. */
export function explainJson(text: string): JsonFault {
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
    return foreignWord(word, start)
  }
  const number = matchAt(numberPattern, text, start)
  if (number !== '') return start + number.length
  return unexpected(text, start, 'value', undefined)
}

function scanString(text: string, start: number): number | JsonFault {
  for (let index = start + 1; index < text.length; index += 1) {
    const char = text.charAt(index)
    if (char === '"') return index + 1
    if (char < ' ') {
      return {
        position: index,
        message: 'a text holds a raw control character, such as a tab',
        suggestion: 'Write a tab as \\t and a line break as \\n; a JSON writer does this by itself.',
      }
    }
    if (char !== '\\') continue
    const escape = matchAt(escapePattern, text, index)
    if (escape === '' && index + 6 > text.length) break
    if (escape === '') {
      return {
        position: index,
        message: `a text holds a backslash before ${JSON.stringify(text.charAt(index + 1))}, which JSON does not know`,
        suggestion: 'Write a backslash inside a text twice (\\\\).',
      }
    }
    index += escape.length - 1
  }
  return { position: text.length, ...cutOff }
}

function foreignWord(word: string, position: number): JsonFault {
  const replacement = foreignWords.get(word.replace(/^-/, ''))
  return replacement === undefined
    ? {
        position,
        message: `the word ${word.slice(0, 40)} stands outside quotation marks`,
        suggestion: 'Put text in double quotation marks.',
      }
    : {
        position,
        message: `${word} is not JSON (it often comes from Python)`,
        suggestion: `Write ${replacement} instead; in Python, json.dumps with allow_nan=False finds such values.`,
      }
}

function unexpected(text: string, position: number, expecting: Expecting, inside: '{' | '[' | undefined): JsonFault {
  const char = text.charAt(position)
  if (char === "'") {
    return {
      position,
      message: 'single quotation marks are used',
      suggestion: 'JSON needs double quotation marks; in Python, write rows with json.dumps instead of str or print.',
    }
  }
  if ((char === '}' || char === ']') && (expecting === 'key' || expecting === 'value')) {
    return { position, message: `a comma stands before the closing ${char}`, suggestion: 'Remove the comma after the last entry.' }
  }
  const got = JSON.stringify(String.fromCodePoint(text.codePointAt(position) ?? 0))
  if (expecting === 'comma-or-end') {
    return {
      position,
      message: `got ${got}; expected a comma or the closing ${inside === '{' ? '}' : ']'}`,
      suggestion: 'Add the missing comma or bracket; a quotation mark inside a text must be written as \\".',
    }
  }
  const expected = expecting === 'colon' ? 'a colon' : expecting === 'value' ? 'a value' : 'a name in double quotation marks'
  return { position, message: `got ${got}; expected ${expected}`, suggestion: 'Correct the line, or export the file again as JSON Lines.' }
}

function extraText(position: number, char: string): JsonFault {
  return char === '{' || char === '['
    ? { position, message: 'a second conversation follows on the same line', suggestion: 'Put each conversation on a line of its own.' }
    : { position, message: 'more text follows after the conversation', suggestion: 'Remove what stands after the closing bracket.' }
}

function matchAt(pattern: RegExp, text: string, start: number): string {
  pattern.lastIndex = start
  return pattern.exec(text)?.[0] ?? ''
}
