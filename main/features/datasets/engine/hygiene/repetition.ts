/** Longest stretch that is looked at: a text that loops does so within it. */
const longestStretch = 200_000
const fewestWords = 50
/** Shares of the characters from which a text counts as repetitive: Gopher's rules for lines and for sequences of five words. */
const lineShare = 0.2
const sequenceShare = 0.15
/** Code and tables, which have a larger share of signs, repeat themselves more than prose does. */
export const symbolicFrom = 0.18
const symbolicShare = 0.4

/** Cheap test for repeated lines: takes lines of the same length, beginning and end for equal. */
export function hasLinesTwice(text: string): boolean {
  const seen = new Set<number>()
  let repeated = 0
  let start = 0
  let end = text.indexOf('\n')
  while (end >= 0 && end < longestStretch) {
    const length = end - start
    if (length > 3) {
      let key = Math.imul(length, 0x9e3779b1)
      for (const at of [start, start + 1, start + 2, end - 1, end - 2, end - 3]) key = Math.imul(key ^ text.charCodeAt(at), 0x85ebca6b)
      if (seen.has(key)) repeated += length
      else seen.add(key)
    }
    start = end + 1
    end = text.indexOf('\n', start)
  }
  return repeated * 6 > Math.min(text.length, longestStretch)
}

/** The last words of a text, in a ring of 16: more than the longest sequence. */
const ringMask = 15
const tabOrSpace: ReadonlySet<number> = new Set([9, 13, 32, 0xa0, 0x3000])

/** True when much of the text stands in it more than once. Slow: ask only where the text pass has a suspicion. */
export function repeatsItself(text: string, symbolShare: number): boolean {
  const length = Math.min(text.length, longestStretch)
  const lines = new Set<number>()
  const sequences = new Set<number>()
  const hashes = new Int32Array(ringMask + 1)
  const sizes = new Int32Array(ringMask + 1)
  let words = 0
  let wordsPerSequence = 5
  let characters = 0
  let lineCharacters = 0
  let repeatedLines = 0
  let covered = 0
  let coveredTo = 0
  let line = 0
  const endWord = (word: number, size: number) => {
    characters += size
    lineCharacters += size
    line = (Math.imul(line, 31) + word) | 0
    hashes[words & ringMask] = word
    sizes[words & ringMask] = size
    words += 1
    if (words < wordsPerSequence) return
    let sequence = 0
    for (let at = words - wordsPerSequence; at < words; at += 1)
      sequence = (Math.imul(sequence, 0x2545f491) + (hashes[at & ringMask] as number)) | 0
    if (sequences.has(sequence)) {
      for (let at = Math.max(coveredTo, words - wordsPerSequence); at < words; at += 1) covered += sizes[at & ringMask] as number
      coveredTo = words
    } else {
      sequences.add(sequence)
    }
  }
  const endLine = () => {
    if (lineCharacters > 0 && lines.has(line)) repeatedLines += lineCharacters
    if (lineCharacters > 0) lines.add(line)
    line = 0
    lineCharacters = 0
  }
  let word = 0
  let size = 0
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at)
    const isBreak = code === 10 || tabOrSpace.has(code)
    if (!isBreak) {
      word = Math.imul(word ^ (code >= 65 && code <= 90 ? code + 32 : code), 0x01000193)
      word = (word << 11) | (word >>> 21)
      size += 1
      if (code < 0x0e00 || !isUnspaced(code)) continue
      // Scripts without spaces: every character is a word, and sequences are longer.
      wordsPerSequence = 10
    }
    if (size > 0) endWord(word, size)
    word = 0
    size = 0
    if (code === 10) endLine()
  }
  if (size > 0) endWord(word, size)
  endLine()
  if (words < fewestWords) return false
  const least = symbolShare > symbolicFrom ? symbolicShare : 0
  return repeatedLines >= characters * Math.max(lineShare, least) || covered >= characters * Math.max(sequenceShare, least)
}

/** Thai, Lao, Burmese, Khmer, Chinese and Japanese are written without spaces between words. */
function isUnspaced(code: number): boolean {
  return (
    (code >= 0x0e00 && code < 0x0f00) ||
    (code >= 0x1000 && code < 0x10a0) ||
    (code >= 0x1780 && code < 0x1800) ||
    (code >= 0x3001 && code < 0xa000) ||
    (code >= 0xff00 && code < 0xffa0)
  )
}
