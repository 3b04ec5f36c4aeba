import { codeAt, isDigit, isFreeAfter, isFreeBefore, matchEnd } from './text-edges.ts'

const international = /(?:\+|00)[1-9]\d{0,3}(?:[ .\-/]{0,2}\(?\d{1,12}\)?){1,7}/y
const americanInBrackets = /\([2-9]\d{2}\) ?[-.]?[2-9]\d{2}[-. ]\d{4}/y
const american = /(?:1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-.])[2-9]\d{2}[-. ]\d{4}/y
/** Forms of countries whose numbers start with 0: pairs, two or three blocks, area code and the rest. */
const national = [/0[1-9]([ .-])\d{2}(?:\1\d{2}){3}/y, /0[1-9]\d{1,3}([ -])\d{3,4}\1\d{3,4}/y, /0[1-9]\d{1,4}(?: ?[/-] ?| )\d{5,8}/y]
const anyForm = /\(?\d{1,15}\)?(?:[ .\-/]{1,2}\(?\d{1,6}\)?){0,6}/y
/** Two single digits in a row are a list, not a number: +1 2 3. */
const looseDigits = /(?:^|\D)\d\D+\d(?:\D|$)/
/** A word before the number that says what it is. */
const phoneBefore =
  /(?:\btel|phone|mobile?|\bfax|whatsapp|telefon[eo]?|tel[eé]fono|handy)(?:\s?(?:no|nr|number|nummer|is|at))?[^\p{L}\d]{0,6}$/iu

/** True where a sign before the digits at `at` announces a phone number. */
export function isPhoneStart(text: string, at: number): boolean {
  const before = codeAt(text, at - 1)
  return before === 43 || before === 40
}

/** The phone number whose first digits stand at `at`; null where there is none. */
export function endOfPhone(text: string, at: number): { start: number; end: number } | null {
  const before = codeAt(text, at - 1)
  if (before === 43) return phoneFrom(text, at - 1, matchEnd(international, text, at - 1), 8)
  if (before === 40) {
    return codeAt(text, at - 2) === 43 ? null : phoneFrom(text, at - 1, matchEnd(americanInBrackets, text, at - 1), 10)
  }
  // Digits and a space before: the middle of a longer number, such as an account.
  const isContinued = before === 32 && isDigit(codeAt(text, at - 2))
  if (text.startsWith('00', at)) {
    if (isContinued) return null
    const found = phoneFrom(text, at, matchEnd(international, text, at), 11)
    // Without a break it is a number with leading zeros.
    return found !== null && /\D/.test(text.slice(at, found.end)) ? found : null
  }
  const byForm = phoneFrom(text, at, matchEnd(american, text, at), 10)
  if (byForm !== null) return byForm
  if (codeAt(text, at) === 48 && !isContinued) {
    for (const pattern of national) {
      const found = phoneFrom(text, at, matchEnd(pattern, text, at), 9)
      if (found !== null) return found
    }
  }
  const anyEnd = isDigit(codeAt(text, at + 1)) ? matchEnd(anyForm, text, at) : 0
  if (anyEnd - at < 7 || !phoneBefore.test(text.slice(Math.max(0, at - 28), at))) return null
  return phoneFrom(text, at, anyEnd, 7)
}

/** Accepts a stretch as a phone number when it stands alone and has no more digits than one can have (15). */
function phoneFrom(text: string, start: number, end: number, fewestDigits: number): { start: number; end: number } | null {
  if (end === 0 || !isFreeBefore(text, start)) return null
  let phone = text.slice(start, end)
  while (digitsOf(phone) > 15) {
    // Another number follows after a space: give its last group back.
    const lastGroup = phone.search(/[ .\-/(]+\d+\)?$/)
    if (lastGroup <= 0) return null
    phone = phone.slice(0, lastGroup)
  }
  if (looseDigits.test(phone)) return null
  const digits = digitsOf(phone)
  return digits >= fewestDigits && isFreeAfter(text, start + phone.length) ? { start, end: start + phone.length } : null
}

function digitsOf(text: string): number {
  let digits = 0
  for (let at = 0; at < text.length; at += 1) if (isDigit(codeAt(text, at))) digits += 1
  return digits
}
