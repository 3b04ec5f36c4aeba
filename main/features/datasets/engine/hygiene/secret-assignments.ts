import { codeAt, isDigit, isLetter, matchEnd } from './text-edges.ts'

/** Last words of a setting's name that announce a secret. */
const secretName =
  /(?:api_?key|apikey|access_?key|secret_?key|private_?key|auth_?key|account_?key|secret|token|passw(?:or)?d|passphrase|pwd|credentials?|bearer)$/i
/** What documentation writes in place of a key. */
const placeholder = /example|xxxx|\.\.\.|your|placeholder|dummy|redacted|changeme|0{6}|1234567|abcdefg/i
const valueRest = /[A-Za-z0-9+/=_.~-]{0,256}/y
const longestName = 40
const longestValue = 200

/** The value around the run at `start` when a setting calls it a password, token or key; null otherwise. */
export function assignedSecretAround(text: string, runStart: number, runEnd: number): { start: number; end: number } | null {
  if (runEnd - runStart > longestValue) return null
  let start = runStart
  while (start > runStart - longestValue && isValueCode(codeAt(text, start - 1))) start -= 1
  if (!secretName.test(nameBefore(text, start))) return null
  let end = Math.max(runEnd, matchEnd(valueRest, text, runEnd))
  while (end > runEnd && '.-~'.includes(text.charAt(end - 1))) end -= 1
  // A call or an index is code that fetches the secret, not the secret.
  if ('([{'.includes(text.charAt(end)) && end < text.length) return null
  const value = text.slice(start, end)
  const isSecret = value.length <= longestValue && looksRandom(value) && !looksLikePath(value) && !isPlaceholder(value)
  return isSecret ? { start, end } : null
}

/** Paths have slashes too; base64 has letters of both cases around them. */
function looksLikePath(value: string): boolean {
  return value.includes('/') && !/^(?=.*[a-z])(?=.*[A-Z])[^/.].*$/.test(value)
}

/** The name that is given this value: reads back over quotes, white space and one of = : => := or a space after "Bearer". */
function nameBefore(text: string, start: number): string {
  const signEnd = backOver(text, start, ` "'\``, 3)
  const sign = backOver(text, signEnd, ':=>', 2)
  const hasSign = sign < signEnd
  // Most long words follow other words: no need to read those.
  if (!hasSign && !'rR'.includes(text.charAt(sign - 1))) return ''
  const nameEnd = backOver(text, sign, ` "'\`\\]`, 4)
  const lowest = Math.max(0, nameEnd - longestName)
  let at = nameEnd
  while (at > lowest && isNameCode(codeAt(text, at - 1))) at -= 1
  const name = text.slice(at, nameEnd).replaceAll('-', '_')
  return hasSign || /^bearer$/i.test(name) ? name : ''
}

/** Letters, digits and the signs of base64, except the = that may be the sign of the assignment. */
function isValueCode(code: number): boolean {
  return isNameCode(code) || code === 43 || code === 47
}

function isNameCode(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === 45
}

function backOver(text: string, from: number, chars: string, most: number): number {
  let at = from
  while (at > 0 && from - at < most && chars.includes(text.charAt(at - 1))) at -= 1
  return at
}

/** Random values have digits among letters and hardly repeat a character; names and sentences do not. */
function looksRandom(value: string): boolean {
  let digits = 0
  let changes = 0
  let previous = 0
  const counts = new Map<string, number>()
  for (const char of value) {
    counts.set(char, (counts.get(char) ?? 0) + 1)
    const kind = char >= '0' && char <= '9' ? 1 : char >= 'a' && char <= 'z' ? 2 : char >= 'A' && char <= 'Z' ? 3 : 4
    if (kind === 1) digits += 1
    if (kind !== previous) changes += 1
    previous = kind
  }
  let bits = 0
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length)
  return digits >= 2 && digits < value.length && changes >= 5 && bits >= 3
}

/** True for invented keys: tell-tale words, or too few different characters for a random one. */
export function isPlaceholder(token: string): boolean {
  return placeholder.test(token) || new Set(token).size < 8
}
