/** Takes one finding: number of the flag and where it stands in the text. */
export type Visit = (flag: number, start: number, end: number) => void

/** The code unit at this place; 0 outside the text, where `charCodeAt` would give NaN and slow every caller down. */
export function codeAt(text: string, at: number): number {
  return at >= 0 && at < text.length ? text.charCodeAt(at) : 0
}

/** True for 0–9. */
export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** True for A–Z, a–z and the underscore. */
export function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95
}

/** True when nothing before `start` belongs to the same word or number. */
export function isFreeBefore(text: string, start: number): boolean {
  if (start <= 0) return start === 0
  const before = codeAt(text, start - 1)
  if (isDigit(before) || isLetter(before)) return false
  return !(isJoint(before) && isDigit(codeAt(text, start - 2)))
}

/** True when nothing behind `end` belongs to the same word or number. */
export function isFreeAfter(text: string, end: number): boolean {
  const after = codeAt(text, end)
  if (isDigit(after) || isLetter(after)) return false
  return !(isJoint(after) && isDigit(codeAt(text, end + 1)))
}

/** A dot or dash between digits makes them one number. */
function isJoint(code: number): boolean {
  return code === 45 || code === 46
}

/** Index behind a match of a sticky pattern at `start`, or 0. */
export function matchEnd(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start
  return pattern.test(text) ? pattern.lastIndex : 0
}
