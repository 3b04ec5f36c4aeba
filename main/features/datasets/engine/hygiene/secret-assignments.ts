import { codeAt, isDigit, isLetter } from './text-edges.ts'

/** Last words of a setting's name that announce a secret. */
const secretName = /(?:api_?key|apikey|access_?key|secret_?key|private_?key|auth_?key|account_?key|secret|token|passw(?:or)?d|passphrase|pwd|credentials?|bearer)$/i
/** What documentation writes in place of a key. */
const placeholder = /example|xxxx|\.\.\.|your|placeholder|dummy|redacted|changeme|0{6}|1234567|abcdefg/i
const valueRest = /[A-Za-z0-9+/=_.~-]{0,256}/y
const longestName = 40
const shortestValue = 16
const longestValue = 200

/** Index behind the value when the run at `start` is what a setting calls a password, token or key; 0 otherwise. */
export function endOfAssignedSecret(text: string, start: number, runEnd: number): number {
  if (runEnd - start > longestValue || !secretName.test(nameBefore(text, start))) return 0
  valueRest.lastIndex = runEnd
  valueRest.test(text)
  let end = Math.max(runEnd, valueRest.lastIndex)
  while (end > runEnd && '.-~'.includes(text.charAt(end - 1))) end -= 1
  const value = text.slice(start, end)
  // A call or a path is code that fetches the secret, not the secret.
  if (text.charAt(end) === '(' || text.charAt(end) === '[' || text.charAt(end) === '{') return 0
  return value.length >= shortestValue && value.length <= longestValue && looksRandom(value) && !isPlaceholder(value) ? end : 0
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
