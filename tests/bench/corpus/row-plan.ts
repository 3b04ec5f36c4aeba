import type { PoolLanguage, TextPool } from './pool.ts'
import { code, english } from './sources.ts'

/** What the next row is about. */
export interface RowPlan {
  readonly pool: PoolLanguage
  /** Characters of all messages of the row. */
  readonly length: number
  /** Pairs of user and assistant messages. */
  readonly pairs: number
}

const englishShare = 0.6
const codeShare = 0.2
const lengthMu = 7.35
const lengthSigma = 0.75
const leastLength = 400
const mostLength = 8000
/** One character of these says, and weighs in bytes, about as much as three or two of Latin script. */
const thirdLength: ReadonlySet<string> = new Set(['zh', 'ja', 'ko', 'hi', 'bn', 'or', 'km', 'th', 'ka', 'am'])
const halfLength: ReadonlySet<string> = new Set(['ru', 'el', 'ar', 'fa', 'uk', 'ur', 'he', 'be', 'bg', 'sr', 'mk', 'kk', 'mn', 'hy', 'ckb'])
const pairShares = [0.7, 0.18, 0.08, 0.04] as const

/** Draws what rows are about, in the proportions of a real set. */
export function createRowPlanner(pool: TextPool, random: () => number): () => RowPlan {
  const find = (name: string) => {
    const found = pool.languages.find(({ language }) => language === name)
    if (found === undefined) throw new Error(`The text pool has no ${name}`)
    return found
  }
  const englishPool = find(english)
  const codePool = find(code)
  const others = pool.languages.filter(({ language, count }) => language !== english && language !== code && count > 0)
  const otherBytes = others.reduce((sum, { bytes }) => sum + bytes, 0)

  const drawPool = () => {
    const drawn = random()
    if (drawn < englishShare) return englishPool
    if (drawn < englishShare + codeShare) return codePool
    let left = random() * otherBytes
    for (const other of others) {
      left -= other.bytes
      if (left < 0) return other
    }
    return englishPool
  }
  return () => {
    const chosen = drawPool()
    const drawn = Math.exp(lengthMu + lengthSigma * normal(random))
    const length = Math.min(mostLength, Math.max(leastLength, drawn)) / divisor(chosen.language)
    return { pool: chosen, length, pairs: drawPairs(random) }
  }
}

function divisor(language: string): number {
  if (thirdLength.has(language)) return 3
  return halfLength.has(language) ? 2 : 1
}

function drawPairs(random: () => number): number {
  let left = random()
  for (const [index, share] of pairShares.entries()) {
    left -= share
    if (left < 0) return index + 1
  }
  return pairShares.length
}

/** A normally distributed number (Box–Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
