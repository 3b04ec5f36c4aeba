import { assertNever } from '../../../../lib/assert-never.ts'
import type { Tokenizer } from '../row-model.ts'
import { createAddedTokenFinder } from './added-tokens.ts'
import { createChatTextCheck } from './chat-texts.ts'
import { createNfc } from './normalise.ts'
import { createPieceCounter, type ChatText, type PieceRule } from './piece-counter.ts'
import { createPieceMerger } from './piece-merger.ts'
import { createCasedWordScanner } from './scan-cased-words.ts'
import { createJunctionScanner } from './scan-junctions.ts'
import { createPlainWordScanner } from './scan-plain-words.ts'
import { createRunScanner } from './scan-runs.ts'
import { createWordRule } from './scan-words.ts'
import type { Scanner } from './scanner.ts'
import { createByteReader, createCharacterReader, type SymbolReader } from './symbol-readers.ts'
import type { VocabularyData } from './vocabulary.ts'

function ruleOf({ header, tables }: VocabularyData): PieceRule {
  const scanOnly = (scan: Scanner): PieceRule => ({ scan, word: null })
  switch (header.scanner) {
    case 'words':
      return createWordRule(tables.classes, header.digits)
    case 'cased-words':
      return scanOnly(createCasedWordScanner(tables.classes, { digits: header.digits, keepsContractions: header.keepsContractions }))
    case 'plain-words':
      return scanOnly(createPlainWordScanner(tables.classes))
    case 'runs':
      return scanOnly(createRunScanner(tables.classes, header.digits))
    case 'junctions':
      return scanOnly(createJunctionScanner(tables))
    default:
      return assertNever(header.scanner)
  }
}

function symbolReaderOf({ header, tables }: VocabularyData): SymbolReader {
  return header.scanner === 'junctions' ? createCharacterReader(tables) : createByteReader(tables)
}

/** Text between added tokens goes to `onText`, each added token to `onToken`. */
type TextSplitter = (text: string, onText: (text: string) => void, onToken: (id: number) => void) => void

function createTextSplitter({ header }: VocabularyData): TextSplitter {
  const finders = [false, true].map((isNormalised) => {
    const tokens = header.addedTokens.filter((token) => token.isNormalised === isNormalised)
    return createAddedTokenFinder(tokens)
  })
  const normalise = header.normaliser === 'nfc' ? createNfc() : (text: string) => text

  const splitBy = (step: number, text: string, onText: (text: string) => void, onToken: (id: number) => void): void => {
    const finder = finders[step]
    if (finder === undefined) {
      if (text !== '') onText(text)
      return
    }
    // Tokens marked as normalised are looked for in what the normaliser left of the text between the others.
    const whole = step === 1 ? normalise(text) : text
    let from = 0
    for (let match = finder.find(whole, 0); match !== null; match = finder.find(whole, from)) {
      if (match.at > from) splitBy(step + 1, whole.slice(from, match.at), onText, onToken)
      onToken(match.id)
      from = match.end
    }
    if (from < whole.length) splitBy(step + 1, from === 0 ? whole : whole.slice(from), onText, onToken)
  }
  return (text, onText, onToken) => splitBy(0, text, onText, onToken)
}

/** Exact counts and ids with a packed vocabulary; not re-entrant, one per thread. */
export function createTokenizer(data: VocabularyData): Tokenizer {
  const { header, tables } = data
  const split = createTextSplitter(data)
  const merger = createPieceMerger(tables, symbolReaderOf(data), header.ignoresMerges)
  const pieces = createPieceCounter(merger, ruleOf(data), data.known)
  const isOrdinary = createChatTextCheck(header)
  const isCountable = (text: ChatText): boolean =>
    isOrdinary?.(text) === true && (text.isAscii || header.normaliser !== 'nfc' || pieces.isStable(text))
  const specials = new Set(header.addedTokens.filter((token) => token.isSpecial).map((token) => token.id))

  let total = 0
  const countText = (text: string): void => {
    total += pieces.count(text)
  }
  const countToken = (): void => {
    total++
  }

  let ids: number[] = []
  const encodePiece = (bytes: Uint8Array, start: number, end: number): void => {
    const count = merger.merge(bytes, start, end)
    const merged = merger.ids()
    for (let at = 0; at < count; at++) ids.push(merged[at] as number)
  }
  const encodeText = (text: string): void => pieces.eachPiece(text, encodePiece)
  const encodeToken = (id: number): void => {
    ids.push(id)
  }

  return {
    family: header.family,
    count(text) {
      total = 0
      split(text, countText, countToken)
      return total
    },
    ...(isOrdinary === null ? {} : { countChat: (row, turns) => pieces.countChat(row, turns, isCountable) }),
    encode(text) {
      ids = []
      split(text, encodeText, encodeToken)
      return ids
    },
    bytesOf: (id) => tables.tokenBytes.slice(tables.tokenOffsets[id], tables.tokenOffsets[id + 1]),
    isSpecial: (id) => specials.has(id),
  }
}
