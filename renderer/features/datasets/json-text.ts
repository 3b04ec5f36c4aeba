const indentStep = '  '

/** Lays JSON out over lines without changing a digit or a repeated key; text that is not JSON comes back as it is. */
export function indentJson(text: string): string {
  return isJson(text) ? layOut(splitJson(text)) : text
}

/** Lays out text that may be cut off or broken, only to be looked at; its own spaces stay. */
export function breakJson(text: string): string {
  return isJson(text)
    ? layOut(splitJson(text))
    : layOut(text.match(/"(?:[^"\\]|\\.)*"?|[[\]{},:]|[^[\]{},:"]+/gs) ?? []).replaceAll(/ +$/gm, '')
}

function layOut(parts: readonly string[]): string {
  let out = ''
  let depth = 0
  for (const part of parts) {
    if (part === '{' || part === '[') {
      depth += 1
      out += `${part}\n${indentStep.repeat(depth)}`
    } else if (part === '}' || part === ']') {
      depth = Math.max(0, depth - 1)
      const isEmpty = /[[{]\s*$/.test(out)
      out = isEmpty ? out.trimEnd() + part : `${out}\n${indentStep.repeat(depth)}${part}`
    } else if (part === ',') out += `,\n${indentStep.repeat(depth)}`
    else if (part === ':') out += ': '
    else out += /\s$/.test(out) ? part.trimStart() : part
  }
  return out
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The same text on one line, as a row stands in a file. */
export function compactJson(text: string): string {
  return splitJson(text).join('')
}

/** Brackets, separators, strings and other values, without the white space between them. */
function splitJson(text: string): string[] {
  return text.match(/"(?:[^"\\]|\\.)*"?|[[\]{},:]|[^\s[\]{},:"]+/gs) ?? []
}

/** Why a text is not one JSON object, with the place; null when it is. */
export function findJsonProblem(text: string): string | null {
  if (!isJson(text)) {
    const before = text.slice(0, findBreak(text)).split('\n')
    return `This is not JSON yet: look at line ${before.length}, character ${(before.at(-1)?.length ?? 0) + 1}.`
  }
  const isObject = /^\s*\{/.test(text)
  return isObject ? null : 'A row is one JSON object: it starts with { and ends with }.'
}

const valuePattern =
  /\s*(?:"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)\s*/y
const spacePattern = /\s*/y
const textPattern = /\s*"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"\s*/y

/** The first place that JSON does not allow; the browser's own message has none for short texts. */
function findBreak(text: string): number {
  let at = 0
  const open: string[] = []
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at
    const taken = pattern.exec(text)?.[0]
    at += taken?.length ?? 0
    return taken !== undefined
  }
  const takeMark = (marks: string) => {
    take(spacePattern)
    const mark = text.charAt(at)
    if (mark === '' || !marks.includes(mark)) return undefined
    at += 1
    return mark
  }
  const takeKey = () => take(textPattern) && takeMark(':') !== undefined
  for (;;) {
    const bracket = takeMark('{[')
    if (bracket === '{' && takeMark('}') === undefined) {
      open.push('}')
      if (!takeKey()) return at
      continue
    }
    if (bracket === '[' && takeMark(']') === undefined) {
      open.push(']')
      continue
    }
    if (bracket === undefined && !take(valuePattern)) return at
    let close = open.at(-1)
    while (close !== undefined && takeMark(close) !== undefined) {
      open.pop()
      close = open.at(-1)
    }
    if (close === undefined || takeMark(',') === undefined) return at
    if (close === '}' && !takeKey()) return at
  }
}
