import { isUtf8 } from 'node:buffer'
import type { SourceFormat } from '../../../../../preload/contract/datasets.ts'

/** How the text of a file is encoded, with the reason where it is not plain UTF-8. */
export interface EncodingFindings {
  readonly encoding: NonNullable<SourceFormat['encoding']>
  readonly evidence: string | null
}

/** Above this share of broken ones among the bytes over 127 a file is not UTF-8 at all. */
const brokenShare = 0.9

/** Looks for a byte-order mark, for the zeros of UTF-16 and for bytes that UTF-8 does not have. */
export function detectEncoding(head: Buffer): EncodingFindings {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) {
    return { encoding: 'utf-8-bom', evidence: 'The text begins with a UTF-8 byte-order mark.' }
  }
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', evidence: 'The text begins with a UTF-16 byte-order mark.' }
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', evidence: 'The text begins with a UTF-16 byte-order mark.' }
  const wide = detectUtf16(head)
  if (wide !== null) return { encoding: wide, evidence: 'Every second byte is zero, as in UTF-16.' }
  // Nearly every file is sound, which is told at once.
  if (isUtf8(head)) return { encoding: 'utf-8', evidence: null }
  const { high, broken } = countBroken(head)
  if (broken > 0 && broken / high > brokenShare) {
    return { encoding: 'windows-1252', evidence: 'Its accented letters are not UTF-8; they were read as windows-1252 (Latin-1).' }
  }
  return { encoding: 'utf-8', evidence: null }
}

function detectUtf16(head: Buffer): 'utf-16le' | 'utf-16be' | null {
  const pairs = Math.floor(Math.min(head.length, 8192) / 2)
  if (pairs < 2) return null
  let first = 0
  let second = 0
  for (let pair = 0; pair < pairs; pair += 1) {
    if (head[pair * 2] === 0) first += 1
    if (head[pair * 2 + 1] === 0) second += 1
  }
  // JSON and tables are full of ASCII signs even where their texts are not.
  const many = Math.max(2, pairs * 0.1)
  if (second >= many && first * 4 < second) return 'utf-16le'
  if (first >= many && second * 4 < first) return 'utf-16be'
  return null
}

/** Counts the bytes over 127 and those of them that are not part of a sound UTF-8 sequence. */
function countBroken(head: Buffer): { high: number; broken: number } {
  let high = 0
  let broken = 0
  let at = 0
  while (at < head.length) {
    const byte = head[at] as number
    if (byte < 0x80) {
      at += 1
      continue
    }
    const length = sequenceLength(byte)
    // The last sequence may only be cut off.
    if (at + length > head.length && length > 0) break
    let isSound = length > 0
    for (let next = 1; next < length; next += 1) isSound = isSound && ((head[at + next] as number) & 0xc0) === 0x80
    high += isSound ? length : 1
    broken += isSound ? 0 : 1
    at += isSound ? length : 1
  }
  return { high, broken }
}

function sequenceLength(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2
  if (first >= 0xe0 && first <= 0xef) return 3
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0
}
