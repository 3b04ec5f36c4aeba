import type { RowContent } from '../row-model.ts'

/** Words per shingle; rows of fewer words have one shingle of all of them. */
const wordsPerShingle = 5
/** A larger buffer than this is given back after use, so that one huge row does not stay in memory. */
const largestKeptBuffer = 1 << 20

/** The sequences of five words of a row, as 32-bit hashes. The reader re-uses the array: only the first `count` entries count. */
export interface Shingles {
  hashes: Int32Array
  count: number
}

/** Reads the shingles of rows one after another. */
export interface ShingleReader {
  read(content: RowContent): Shingles
}

/** Characters read before the array is checked for room again. */
const blockLength = 0x8000
const wordPrime = 0x9e3779b1
const base = 0x2545f491
const baseToFour = Math.imul(Math.imul(base, base), Math.imul(base, base))
/** What every reader of shingles has to agree on. */
export const shingleNumbers = { wordPrime, base, baseToFour, wordsPerShingle } as const

/**
 * Creates a reader. A word is a run of letters, digits and characters from U+00C0 up, in lower case for A–Z;
 * of Chinese, Japanese and Korean every character is one. Punctuation, line breaks and turns do not matter.
 */
export function createShingleReader(): ShingleReader {
  const wordCodes = createWordCodes()
  const result: Shingles = { hashes: new Int32Array(2 * blockLength), count: 0 }
  /** The last five words, newest first, and their number so far. */
  const recent = new Int32Array(5)
  let words = 0
  let rolling = 0

  // The state lives in locals while the loop runs: as variables of the closure they would be written to memory at every word.
  const readBlock = (text: string, from: number, to: number, openWord: number): number => {
    const { hashes } = result
    let { count } = result
    let [word1 = 0, word2 = 0, word3 = 0, word4 = 0, word5 = 0] = recent
    let total = words
    let hash = rolling
    let word = openWord
    for (let at = from; at < to; at += 1) {
      const code = text.charCodeAt(at)
      const folded = wordCodes[code] as number
      if (folded > 1) {
        word = Math.imul(word ^ folded, wordPrime)
        word ^= word >>> 15
        continue
      }
      // A character that is a word of its own ends the word before it as well: two rounds.
      let next = folded === 1 ? Math.imul(code, wordPrime) | 1 : 0
      while (word !== 0) {
        hash = (Math.imul(hash - Math.imul(word5, baseToFour), base) + word) | 0
        word5 = word4
        word4 = word3
        word3 = word2
        word2 = word1
        word1 = word
        total += 1
        if (total >= wordsPerShingle) {
          hashes[count] = hash
          count += 1
        }
        word = next
        next = 0
      }
      word = next
    }
    recent[0] = word1
    recent[1] = word2
    recent[2] = word3
    recent[3] = word4
    recent[4] = word5
    words = total
    rolling = hash
    result.count = count
    return word
  }
  const readText = (text: string) => {
    let word = 0
    for (let from = 0; from < text.length; from += blockLength) {
      makeRoom(result, blockLength + 2)
      word = readBlock(text, from, Math.min(text.length, from + blockLength), word)
    }
    // A line break ends the last word of the turn.
    makeRoom(result, 2)
    if (word !== 0) readBlock('\n', 0, 1, word)
  }

  return {
    read(content) {
      if (result.hashes.length > largestKeptBuffer) result.hashes = new Int32Array(2 * blockLength)
      result.count = 0
      recent.fill(0)
      words = 0
      rolling = 0
      // A long system message that all rows share would make strangers look alike.
      for (const message of content.messages) if (message.role !== 'system') readText(message.content)
      for (const message of content.rejected ?? []) if (message.role === 'assistant') readText(message.content)
      if (content.text !== null) readText(content.text)
      if (result.count === 0 && words > 0) {
        result.hashes[0] = rolling
        result.count = 1
      }
      return result
    },
  }
}

function makeRoom(shingles: Shingles, more: number): void {
  if (shingles.count + more <= shingles.hashes.length) return
  const larger = new Int32Array(Math.max(shingles.hashes.length * 2, shingles.count + more))
  larger.set(shingles.hashes)
  shingles.hashes = larger
}

/** Per code unit: 0 separates words, 1 is a word of its own, anything else is the folded character. */
export function createWordCodes(): Uint16Array {
  const codes = new Uint16Array(65_536)
  for (let code = 0xc0; code < codes.length; code += 1) codes[code] = code >= 0x3040 && code < 0xd7a4 ? 1 : code
  for (let code = 48; code < 58; code += 1) codes[code] = code
  for (let code = 97; code < 123; code += 1) {
    codes[code] = code
    codes[code - 32] = code
  }
  // Spaces, dashes, quotes and ideographic punctuation, which lie above U+00C0 too.
  for (let code = 0x2000; code < 0x2070; code += 1) codes[code] = 0
  for (let code = 0x3000; code < 0x3040; code += 1) codes[code] = 0
  return codes
}
