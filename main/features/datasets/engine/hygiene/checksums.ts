/** Check digit of payment cards (Luhn). */
export function hasLuhnDigit(digits: string): boolean {
  let sum = 0
  for (let place = 0; place < digits.length; place += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - place) - 48
    sum += place % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0)
  }
  return sum % 10 === 0
}

/** Characters of an account number per country, from the IBAN registry. */
const ibanLengths: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 ' +
    'GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 ' +
    'MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 ' +
    'TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/** Length of an IBAN of this country; 0 for a country without. */
export function ibanLengthOf(country: string): number {
  return ibanLengths.get(country) ?? 0
}

/** Check digits of an IBAN without spaces (mod 97). */
export function hasIbanDigits(iban: string): boolean {
  let rest = 0
  const turned = iban.slice(4) + iban.slice(0, 4)
  for (let at = 0; at < turned.length; at += 1) {
    const code = turned.charCodeAt(at)
    rest = code < 58 ? (rest * 10 + code - 48) % 97 : (rest * 100 + code - 55) % 97
  }
  return rest === 1
}

/** Check letter of a Spanish DNI or NIE: eight digits, the first of which may stand as X, Y or Z. */
export function hasSpanishLetter(id: string): boolean {
  const number = Number('XYZ'.includes(id.charAt(0)) ? 'XYZ'.indexOf(id.charAt(0)) + id.slice(1, 8) : id.slice(0, 8))
  return 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(number % 23) === id.at(-1)
}

/** Value of a character at an odd place (the first, the third …) of a codice fiscale, for 0–9 and A–Z. */
const italianOddValues = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]

/** Check letter of an Italian codice fiscale of 16 characters. */
export function hasItalianLetter(id: string): boolean {
  let sum = 0
  for (let at = 0; at < 15; at += 1) {
    const code = id.charCodeAt(at)
    const value = code < 58 ? code - 48 : code - 65
    sum += at % 2 === 0 ? (italianOddValues[value] ?? 0) : value
  }
  return id.charCodeAt(15) === 65 + (sum % 26)
}

/** Both check digits of a Brazilian CPF of eleven digits. */
export function hasBrazilianDigits(digits: string): boolean {
  for (const length of [9, 10]) {
    let sum = 0
    for (let at = 0; at < length; at += 1) sum += (digits.charCodeAt(at) - 48) * (length + 1 - at)
    if (((sum * 10) % 11) % 10 !== digits.charCodeAt(length) - 48) return false
  }
  return !/^(\d)\1+$/.test(digits)
}

/** Key of a French social security number: thirteen characters and two digits (mod 97; Corsica as 2A, 2B). */
export function hasFrenchKey(id: string): boolean {
  const body = id.slice(0, 13).replace('2A', '19').replace('2B', '18')
  return 97 - (Number(body) % 97) === Number(id.slice(13))
}

/** Check digit of a field in a passport's machine-readable line (weights 7, 3, 1). */
export function machineDigitOf(field: string): number {
  let sum = 0
  for (let at = 0; at < field.length; at += 1) {
    const code = field.charCodeAt(at)
    const value = code === 60 ? 0 : code < 58 ? code - 48 : code - 55
    sum += value * ([7, 3, 1][at % 3] ?? 0)
  }
  return sum % 10
}
