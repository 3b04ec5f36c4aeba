/** A writing system as the overview shows it. */
export interface Script {
  readonly name: string
  readonly title: string
}

/** Writing systems by number; 0 stands for rows without letters. Stored per row: only append. */
export const scriptTable: readonly Script[] = [
  { name: 'none', title: 'No letters' },
  { name: 'latin', title: 'Latin' },
  { name: 'cyrillic', title: 'Cyrillic' },
  { name: 'greek', title: 'Greek' },
  { name: 'arabic', title: 'Arabic' },
  { name: 'hebrew', title: 'Hebrew' },
  { name: 'devanagari', title: 'Devanagari' },
  { name: 'thai', title: 'Thai' },
  { name: 'han', title: 'Chinese characters' },
  { name: 'kana', title: 'Japanese' },
  { name: 'hangul', title: 'Korean' },
  { name: 'bengali', title: 'Bengali' },
  { name: 'gurmukhi', title: 'Gurmukhi' },
  { name: 'gujarati', title: 'Gujarati' },
  { name: 'tamil', title: 'Tamil' },
  { name: 'telugu', title: 'Telugu' },
  { name: 'kannada', title: 'Kannada' },
  { name: 'malayalam', title: 'Malayalam' },
  { name: 'sinhala', title: 'Sinhala' },
  { name: 'lao', title: 'Lao' },
  { name: 'tibetan', title: 'Tibetan' },
  { name: 'burmese', title: 'Burmese' },
  { name: 'georgian', title: 'Georgian' },
  { name: 'armenian', title: 'Armenian' },
  { name: 'ethiopic', title: 'Ethiopic' },
  { name: 'khmer', title: 'Khmer' },
  { name: 'mongolian', title: 'Mongolian' },
]

/** Numbers of the scripts that rules of this folder ask for. */
export const scriptNumbers = {
  none: 0,
  latin: 1,
  thai: 7,
  han: 8,
  kana: 9,
  hangul: 10,
  lao: 19,
  tibetan: 20,
  burmese: 21,
  khmer: 25,
} as const

/** First and last code unit and the name of the script; blocks start and end on multiples of 16. */
const blocks: readonly (readonly [first: number, last: number, name: string])[] = [
  [0x00c0, 0x024f, 'latin'],
  [0x0250, 0x02af, 'latin'],
  [0x0300, 0x036f, 'latin'],
  [0x0370, 0x03ff, 'greek'],
  [0x0400, 0x052f, 'cyrillic'],
  [0x0530, 0x058f, 'armenian'],
  [0x0590, 0x05ff, 'hebrew'],
  [0x0600, 0x06ff, 'arabic'],
  [0x0750, 0x077f, 'arabic'],
  [0x08a0, 0x08ff, 'arabic'],
  [0x0900, 0x097f, 'devanagari'],
  [0x0980, 0x09ff, 'bengali'],
  [0x0a00, 0x0a7f, 'gurmukhi'],
  [0x0a80, 0x0aff, 'gujarati'],
  [0x0b80, 0x0bff, 'tamil'],
  [0x0c00, 0x0c7f, 'telugu'],
  [0x0c80, 0x0cff, 'kannada'],
  [0x0d00, 0x0d7f, 'malayalam'],
  [0x0d80, 0x0dff, 'sinhala'],
  [0x0e00, 0x0e7f, 'thai'],
  [0x0e80, 0x0eff, 'lao'],
  [0x0f00, 0x0fff, 'tibetan'],
  [0x1000, 0x109f, 'burmese'],
  [0x10a0, 0x10ff, 'georgian'],
  [0x1100, 0x11ff, 'hangul'],
  [0x1200, 0x139f, 'ethiopic'],
  [0x1780, 0x17ff, 'khmer'],
  [0x1800, 0x18af, 'mongolian'],
  [0x1e00, 0x1eff, 'latin'],
  [0x1f00, 0x1fff, 'greek'],
  [0x2de0, 0x2dff, 'cyrillic'],
  [0x3040, 0x30ff, 'kana'],
  [0x3130, 0x318f, 'hangul'],
  [0x3400, 0x4dbf, 'han'],
  [0x4e00, 0x9fff, 'han'],
  [0xa640, 0xa69f, 'cyrillic'],
  [0xac00, 0xd7af, 'hangul'],
  [0xf900, 0xfaff, 'han'],
  [0xfb50, 0xfdff, 'arabic'],
  [0xfe70, 0xfeff, 'arabic'],
  [0xff60, 0xff9f, 'kana'],
]

/** Script number of every block of 16 code units: index with `code >> 4`. */
export function createScriptBlocks(): Uint8Array {
  const numbers = new Uint8Array(4096)
  for (const [first, last, name] of blocks) {
    const number = scriptTable.findIndex((script) => script.name === name)
    for (let block = first >> 4; block <= last >> 4; block += 1) numbers[block] = number
  }
  return numbers
}

/** A letter of these carries about as much text as this many Latin letters; keeps one Chinese page from losing to its own English code. */
const lettersPerHan = 3

/** Number of the script that carries most of the text, from a count of letters per script. */
export function mainScriptOf(counts: Uint32Array): number {
  // Japanese is written with Chinese characters too: any sizeable share of kana decides.
  const han = counts[scriptNumbers.han] ?? 0
  const kana = counts[scriptNumbers.kana] ?? 0
  const isJapanese = kana > 0 && kana * 8 >= han
  let best = 0
  let bestWeight = 0
  for (let script = 1; script < counts.length; script += 1) {
    let weight = counts[script] ?? 0
    if (script === scriptNumbers.han) weight = isJapanese ? 0 : weight * lettersPerHan
    else if (script === scriptNumbers.kana) weight = isJapanese ? (weight + han) * lettersPerHan : weight
    else if (script === scriptNumbers.hangul) weight *= 2
    if (weight <= bestWeight) continue
    best = script
    bestWeight = weight
  }
  return best
}

/** The writing system that most rows with letters have, and the share of rows that have it. */
export function commonScriptOf(scripts: Uint8Array): { script: number; share: number } {
  const counts = new Uint32Array(256)
  for (const script of scripts) counts[script] = (counts[script] ?? 0) + 1
  let best = 0
  let bestRows = 0
  let rows = 0
  for (let script = 1; script < counts.length; script += 1) {
    const count = counts[script] ?? 0
    rows += count
    if (count <= bestRows) continue
    best = script
    bestRows = count
  }
  return { script: best, share: rows === 0 ? 0 : bestRows / rows }
}
