import { stepError } from './step-error.mjs'

/** Bits of one code point's class, as the scanners of the token counter read them. */
export const CLASS_BITS = { letter: 1, number: 2, space: 4, newline: 8, upper: 16, lower: 32, mark: 64, punctuation: 128 }

const patterns = [
  [/\p{L}/u, CLASS_BITS.letter],
  [/\p{N}/u, CLASS_BITS.number],
  // JavaScript's \s is not the same: it holds U+FEFF and lacks U+0085.
  [/\p{White_Space}/u, CLASS_BITS.space],
  [/[\r\n]/u, CLASS_BITS.newline],
  [/[\p{Lu}\p{Lt}]/u, CLASS_BITS.upper],
  [/\p{Ll}/u, CLASS_BITS.lower],
  [/\p{M}/u, CLASS_BITS.mark],
  [/[\p{P}\p{S}]/u, CLASS_BITS.punctuation],
]

// The tokenisers' own regex engine knows Unicode 16; what Unicode 17 assigned has no class there.
const NEWER_THAN_UNICODE_16 = `88f c5c cdc 1acf-1add 1ae0-1aeb 20c1 2b96 a7ce-a7cf a7d2 a7d4 a7f1 fbc3-fbd2 fd90-fd91 fdc8-fdce
10940-10959 10ec5-10ec7 10ed0-10ed8 10efa-10efb 11b60-11b67 11db0-11ddb 11de0-11de9 16ea0-16eb8 16ebb-16ed3 16ff2-16ff6
187f8-187ff 18d09-18d1e 18d80-18df2 1ccfa-1ccfc 1ceba-1ced0 1cee0-1cef0 1e6c0-1e6de 1e6e0-1e6f5 1e6fe-1e6ff 1f6d8 1f777-1f77a
1f8d0-1f8d8 1fa54-1fa57 1fa8a 1fa8e 1fac8 1facd 1faea 1faef 1fbfa 2b73a-2b73f 2cea2-2cead 323b0-33479`

/** U+0295 became a letter without case in Unicode 17. */
const LOWER_UNTIL_UNICODE_16 = 0x295

function removeNewer(classes) {
  for (const range of NEWER_THAN_UNICODE_16.split(/\s/)) {
    const [first, last = first] = range.split('-').map((text) => Number.parseInt(text, 16))
    classes.fill(0, first, last + 1)
  }
  classes[LOWER_UNTIL_UNICODE_16] |= CLASS_BITS.lower
}

let made

/** One byte of class bits (Unicode 16) for every code point up to the last that has any; made once, when vocabularies are packed. */
export function characterClasses() {
  made ??= makeClasses()
  return made
}

function makeClasses() {
  if (!['16', '17'].includes(process.versions.unicode.split('.')[0])) {
    throw stepError(`The character tables need Node with Unicode 16 or 17; this one has ${process.versions.unicode}. Use Node 24.`)
  }
  const classes = new Uint8Array(0x110000)
  for (let code = 0; code < classes.length; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const character = String.fromCodePoint(code)
    for (const [pattern, bit] of patterns) if (pattern.test(character)) classes[code] |= bit
  }
  removeNewer(classes)
  const last = classes.findLastIndex((bits) => bits !== 0)
  return classes.slice(0, last + 1)
}
