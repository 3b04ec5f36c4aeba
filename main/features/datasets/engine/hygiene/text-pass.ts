import { createScriptBlocks, scriptNumbers, scriptTable } from './scripts-of-text.ts'

/** Bits of `TextFacts.evidence`: what a text must contain before a search for a pattern is worth its time. */
export const evidence = {
  /** An @ sign. */
  at: 1 << 20,
  /** `<` or `&`. */
  markup: 1 << 21,
  /** A backtick or a tilde. */
  fence: 1 << 22,
  /** A character that wrongly decoded text is full of. */
  garbled: 1 << 23,
  /** Two ASCII digits in a row. */
  digits: 1 << 25,
  /** Two dashes in a row. */
  dashes: 1 << 27,
} as const

/** Everything at once: rules no search out. */
export const allEvidence = Object.values(evidence).reduce<number>((bits, bit) => bits | bit, 0)

/** What one pass over a text tells. The pass re-uses the object. */
export interface TextFacts {
  evidence: number
  /** 64-bit hash of the text with case and white space folded. */
  hashLow: number
  hashHigh: number
  length: number
  /** Characters that are not white space. */
  visible: number
  /** Visible characters that are neither letters nor digits. */
  symbols: number
  /** Visible characters outside ASCII. */
  nonAscii: number
  /** Index of the first and the last pair of digits or dashes; -1 where there is none. */
  firstPair: number
  lastPair: number
  /** Stretches of 32 characters that were sampled, and how many of them very probably occurred before in the text. */
  samples: number
  repeatedSamples: number
}

/** Reads texts one after another and adds their letters to `scriptCounts`. */
export interface TextPass {
  /** Letters per script since the last reset. */
  readonly scriptCounts: Uint32Array
  reset(): void
  run(text: string): TextFacts
}

const letterBit = 1 << 16
const digitBit = 1 << 17
const dashBit = 1 << 19
const spaceBit = 1 << 24
const pairBits = digitBit | dashBit
const space = 32
const primeLow = 0x9e3779b1
const primeHigh = 0x85ebca77

/** Creates a pass; its tables take about half a megabyte, so make one per thread. */
export function createTextPass(): TextPass {
  const classes = createClasses()
  const scriptBlocks = createScriptBlocks()
  const scriptCounts = new Uint32Array(scriptTable.length)
  const seenSamples = new Int32Array(4096)
  let textNumber = 0
  const facts: TextFacts = {
    evidence: 0,
    hashLow: 0,
    hashHigh: 0,
    length: 0,
    visible: 0,
    symbols: 0,
    nonAscii: 0,
    firstPair: -1,
    lastPair: -1,
    samples: 0,
    repeatedSamples: 0,
  }

  return {
    scriptCounts,
    reset() {
      scriptCounts.fill(0)
    },
    // One loop without a branch per word on purpose: guessing where words end costs the processor more than all the rest.
    run(text) {
      let end = text.length
      while (end > 0 && ((classes[text.charCodeAt(end - 1)] as number) & spaceBit) !== 0) end -= 1
      let start = 0
      while (start < end && ((classes[text.charCodeAt(start)] as number) & spaceBit) !== 0) start += 1
      let low = 0x2c1b3c6d
      let high = 0x297a2d39
      let seen = 0
      let previous = 0
      let letters = 0
      let spaces = 0
      let nonAscii = 0
      let firstPair = -1
      let lastPair = -1
      let samples = 0
      let repeatedSamples = 0
      let stretch = 0
      // A new value per text makes the samples of earlier texts differ from those of this one.
      textNumber = (textNumber + 1) | 0
      const salt = Math.imul(textNumber, primeLow)
      for (let at = start; at < end; at += 1) {
        const code = text.charCodeAt(at)
        const entry = classes[code] as number
        const folded = entry & 0xffff
        const before = previous
        const both = entry & before
        previous = entry
        seen |= entry
        letters += (entry >> 16) & 1
        spaces += (entry >> 24) & 1
        if (code > 127) {
          const script = scriptBlocks[code >> 4] as number
          scriptCounts[script] = (scriptCounts[script] as number) + 1
          nonAscii += 1
        }
        if ((both & pairBits) !== 0) {
          seen |= (both & pairBits) << 8
          if (firstPair < 0) firstPair = at - 1
          lastPair = at - 1
        }
        // All bits set where this is white space after white space: the hashes stay as they are.
        const keep = -((both >> 24) & 1)
        let next = Math.imul(low ^ folded, primeLow)
        next = (next << 15) | (next >>> 17)
        low = next ^ ((next ^ low) & keep)
        next = Math.imul(high ^ folded, primeHigh)
        next = (next << 13) | (next >>> 19)
        high = next ^ ((next ^ high) & keep)
        // Depends on the last 32 characters; looked up for about one position in 32, but not within lines and indents of one sign.
        stretch = (stretch << 1) ^ Math.imul(folded, primeHigh)
        if (stretch >>> 27 === 0 && entry !== before) {
          samples += 1
          const key = stretch ^ salt
          const slot = Math.imul(key, primeLow) >>> 20
          if ((seenSamples[slot] as number) === key) repeatedSamples += 1
          else seenSamples[slot] = key
        }
      }
      const scriptless = scriptCounts[scriptNumbers.none] as number
      scriptCounts[scriptNumbers.none] = 0
      scriptCounts[scriptNumbers.latin] = (scriptCounts[scriptNumbers.latin] as number) + letters
      facts.evidence = seen & allEvidence
      facts.hashLow = mixed(low)
      facts.hashHigh = mixed(high)
      facts.length = text.length
      facts.visible = end - start - spaces
      facts.symbols = facts.visible - letters - nonAscii + scriptless
      facts.nonAscii = nonAscii
      facts.firstPair = firstPair
      facts.lastPair = lastPair
      facts.samples = samples
      facts.repeatedSamples = repeatedSamples
      return facts
    },
  }
}

/** Spreads the last characters over all 32 bits. */
export function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** The character a code unit counts as when case and kind of white space do not matter. */
function foldedCode(code: number): number {
  const char = String.fromCharCode(code)
  if (/\s/.test(char)) return space
  // A final sigma is the same letter; longer lower-case forms would need more than one unit.
  if (code === 0x3c2) return 0x3c3
  const lower = char.toLowerCase()
  return lower.length === 1 ? lower.charCodeAt(0) : code
}

/** Bits 0–15: the folded character; bits 16 and up: what it is evidence of. */
function createClasses(): Int32Array {
  const classes = new Int32Array(65_536)
  for (let code = 0; code < classes.length; code += 1) {
    const folded = foldedCode(code)
    classes[code] = folded === space ? space | spaceBit : folded
  }
  const add = (chars: string, bits: number) => {
    for (const char of chars) classes[char.charCodeAt(0)] = (classes[char.charCodeAt(0)] ?? 0) | bits
  }
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  add(letters + letters.toUpperCase(), letterBit)
  // Digits count as Latin letters, which keeps rows of mere numbers with the text around them.
  add('0123456789', letterBit | digitBit)
  add('-', dashBit)
  add('@', evidence.at)
  add('<&', evidence.markup)
  add('`~', evidence.fence)
  add('\u00c2\u00c3\u00d0\u00d1\u00e2\u00ef\u00f0\ufffd', evidence.garbled)
  return classes
}
