import {
  hasBrazilianDigits,
  hasFrenchKey,
  hasIbanDigits,
  hasItalianLetter,
  hasLuhnDigit,
  hasSpanishLetter,
  ibanLengthOf,
  machineDigitOf,
} from './checksums.ts'
import { flagNumbers } from './flags.ts'
import { endOfPhone, isPhoneStart } from './phones.ts'
import { codeAt, isDigit, isFreeAfter, isFreeBefore, isLetter, matchEnd, type Visit } from './text-edges.ts'

const ipAddress = /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/y
const ssn = /\d{3}-\d{2}-\d{4}/y
const groupedCard = /\d{4}([ -])(?:\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{6}\1\d{4,5})/y
const brazilianId = /\d{3}\.\d{3}\.\d{3}-\d{2}/y
const frenchId = /[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}/y
const spanishId = /(?:\d{8}|[XYZ]\d{7})-?[A-Z]/y
const italianId = /[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]/y
const ibanChars = /[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/y
const passportLines = /P[A-Z<][A-Z<]{42}\s{1,3}([A-Z0-9<]{44})/y
const versionBefore = /(?:version|release|build|firmware)\W{0,3}$/i

/** Where a finding starts and ends, and which flag it raises. */
interface Hit {
  readonly flag: number
  readonly start: number
  readonly end: number
}

/** Digits that stand alone before the first pair can begin a number: "+1 415 …", "1 85 05 …". */
const leadBeforePair = 24

/**
 * Finds numbers of persons and accounts between the first and the last pair of digits.
 * Every group of digits is tried once, and each trial looks at a bounded stretch.
 */
export function findNumbers(text: string, firstPair: number, lastPair: number, visit: Visit): void {
  const length = text.length
  let from = 0
  let at = Math.max(0, firstPair - leadBeforePair)
  while (at > 0 && at < firstPair && isDigit(codeAt(text, at - 1))) at += 1
  while (at <= lastPair) {
    const code = text.charCodeAt(at)
    if (code > 57 || code < 48) {
      at += 1
      continue
    }
    let end = at + 1
    while (end < length && isDigit(text.charCodeAt(end))) end += 1
    const hit = isLetter(codeAt(text, at - 1)) ? afterLetters(text, at) : plainNumber(text, at, end - at)
    if (hit !== null && hit.start >= from) {
      visit(hit.flag, hit.start, hit.end)
      from = hit.end
      end = Math.max(end, hit.end)
    }
    at = end
  }
}

/** Numbers that begin with letters. */
function afterLetters(text: string, at: number): Hit | null {
  if (!isUpperLetter(codeAt(text, at - 1))) return null
  const iban = ibanAt(text, at - 2)
  if (iban > 0) return { flag: flagNumbers.iban, start: at - 2, end: iban }
  for (const [pattern, start, isReal] of [
    [spanishId, at - 1, hasSpanishLetter],
    [italianId, at - 6, hasItalianLetter],
  ] as const) {
    const end = start >= 0 && isFreeBefore(text, start) ? matchEnd(pattern, text, start) : 0
    if (end > 0 && isFreeAfter(text, end) && isReal(text.slice(start, end).replace('-', ''))) {
      return { flag: flagNumbers.nationalId, start, end }
    }
  }
  return null
}

function plainNumber(text: string, at: number, digits: number): Hit | null {
  // Longer runs are hashes, ids or data; nothing below is that long without a break, or shorter than seven without going on.
  if (digits > 19 || (digits < 7 && !goesOn(text, at + digits))) return null
  if (isPhoneStart(text, at)) {
    const phone = endOfPhone(text, at)
    if (phone !== null) return { flag: flagNumbers.phone, start: phone.start, end: phone.end }
  }
  if (!isFreeBefore(text, at)) return null
  const flagged = checkedNumber(text, at, digits)
  if (flagged !== null) return flagged
  const phone = endOfPhone(text, at)
  return phone === null ? null : { flag: flagNumbers.phone, start: phone.start, end: phone.end }
}

/** True when another group of digits follows within three characters. */
function goesOn(text: string, end: number): boolean {
  const next = codeAt(text, end)
  // Space ( ) - . /
  if (next !== 32 && (next < 40 || next > 47)) return false
  return isDigit(codeAt(text, end + 1)) || isDigit(codeAt(text, end + 2)) || isDigit(codeAt(text, end + 3))
}

/** Numbers whose form or check digits leave little doubt. */
function checkedNumber(text: string, at: number, digits: number): Hit | null {
  const ip = digits <= 3 ? matchEnd(ipAddress, text, at) : 0
  if (ip > 0 && isFreeAfter(text, ip) && isPublicAddress(text.slice(at, ip)) && !versionBefore.test(text.slice(Math.max(0, at - 12), at))) {
    return { flag: flagNumbers.ipAddress, start: at, end: ip }
  }
  const card = digits >= 14 ? at + digits : digits === 4 ? matchEnd(groupedCard, text, at) : 0
  if (card > 0 && isFreeAfter(text, card) && isCard(text.slice(at, card).replaceAll(/[ -]/g, ''))) {
    return { flag: flagNumbers.card, start: at, end: card }
  }
  const social = digits === 3 ? matchEnd(ssn, text, at) : 0
  if (social > 0 && isFreeAfter(text, social) && isIssuedSsn(text.slice(at, social))) {
    return { flag: flagNumbers.ssn, start: at, end: social }
  }
  const national = endOfNationalId(text, at, digits)
  return national === 0 ? null : { flag: flagNumbers.nationalId, start: at, end: national }
}

function endOfNationalId(text: string, at: number, digits: number): number {
  const pattern = digits === 3 ? brazilianId : digits === 8 ? spanishId : digits === 1 || digits >= 5 ? frenchId : null
  const end = pattern === null ? 0 : matchEnd(pattern, text, at)
  if (end === 0 || !isFreeAfter(text, end)) return 0
  const id = text.slice(at, end).replaceAll(/[ .-]/g, '')
  const isReal = pattern === brazilianId ? hasBrazilianDigits(id) : pattern === spanishId ? hasSpanishLetter(id) : hasFrenchKey(id)
  return isReal ? end : 0
}

function isUpperLetter(code: number): boolean {
  return code >= 65 && code <= 90
}

/** Index behind an IBAN that starts here, or 0. */
function ibanAt(text: string, start: number): number {
  if (start < 0 || !isUpperLetter(codeAt(text, start)) || !isFreeBefore(text, start)) return 0
  const wanted = ibanLengthOf(text.slice(start, start + 2))
  if (wanted === 0) return 0
  ibanChars.lastIndex = start
  const found = ibanChars.exec(text)?.[0] ?? ''
  let compact = ''
  let length = 0
  for (; length < found.length && compact.length < wanted; length += 1) {
    if (found[length] !== ' ') compact += found[length] ?? ''
  }
  const end = start + length
  return compact.length === wanted && isFreeAfter(text, end) && hasIbanDigits(compact) ? end : 0
}

/** Addresses that name one machine on the internet: not private, local, multicast or kept for documentation. */
function isPublicAddress(address: string): boolean {
  // Small numbers throughout are a version, as in 1.2.3.4; leading zeros are none of either.
  if (address.length === 7 || /(?:^|\.)0\d/.test(address)) return false
  const first = address.indexOf('.')
  const second = address.indexOf('.', first + 1)
  const third = address.indexOf('.', second + 1)
  const a = Number(address.slice(0, first))
  const b = Number(address.slice(first + 1, second))
  const c = Number(address.slice(second + 1, third))
  if (a === 0 || a === 10 || a === 127 || a >= 224 || b > 255 || c > 255 || Number(address.slice(third + 1)) > 255) return false
  if ((a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128))
    return false
  return !((a === 192 && b === 0 && c === 2) || (a === 198 && b === 51 && c === 100) || (a === 203 && b === 0 && c === 113))
}

function isCard(digits: string): boolean {
  const prefix = Number(digits.slice(0, 4))
  const isKnown =
    digits.length === 15
      ? (prefix >= 3400 && prefix < 3500) || (prefix >= 3700 && prefix < 3800)
      : digits.length === 14
        ? (prefix >= 3000 && prefix < 3060) || (prefix >= 3600 && prefix < 3700) || (prefix >= 3800 && prefix < 4000)
        : (digits.length === 16 || digits.length === 19) && hasLongCardPrefix(prefix)
  return isKnown && hasLuhnDigit(digits) && !/^(\d)\1+$/.test(digits)
}

/** Visa, Mastercard, Discover, JCB, UnionPay. */
function hasLongCardPrefix(prefix: number): boolean {
  return (
    (prefix >= 4000 && prefix < 5000) ||
    (prefix >= 5100 && prefix < 5600) ||
    (prefix >= 2221 && prefix <= 2720) ||
    prefix === 6011 ||
    (prefix >= 6440 && prefix < 6600) ||
    (prefix >= 3528 && prefix < 3590) ||
    (prefix >= 6200 && prefix < 6300)
  )
}

function isIssuedSsn(number: string): boolean {
  const area = number.slice(0, 3)
  if (area === '000' || area === '666' || area.startsWith('9')) return false
  // Two numbers that became public in advertisements and were withdrawn.
  return !number.startsWith('00', 4) && !number.endsWith('0000') && number !== '078-05-1120' && number !== '219-09-9999'
}

/** Finds the machine-readable lines of passports by their check digits. */
export function findPassports(text: string, visit: Visit): void {
  for (let at = text.indexOf('P<'); at >= 0; at = text.indexOf('P<', at + 2)) {
    passportLines.lastIndex = at
    const found = passportLines.exec(text)
    const line = found?.[1] ?? ''
    const isReal =
      line !== '' &&
      machineDigitOf(line.slice(0, 9)) === Number(line[9]) &&
      machineDigitOf(line.slice(13, 19)) === Number(line[19]) &&
      machineDigitOf(line.slice(21, 27)) === Number(line[27])
    if (isReal) visit(flagNumbers.nationalId, at, at + (found?.[0].length ?? 0))
  }
}
