import { ASCII_PAIRS, fillJunctions, junctionWords } from './junctions.ts'
import { fillMergeSlots, mergeTableWords, NO_RANK } from './merge-slots.ts'
import { fillWholeTokens, wholeTokenCount } from './whole-tokens.ts'

/** Look-up tables of one vocabulary, all on the same shared memory. */
export interface VocabularyTables {
  /** Open-addressing table of the ranks of all merges. */
  readonly mergeSlots: Int32Array
  /** Id of the token that the merge of a rank makes. */
  readonly mergedIds: Int32Array
  /** Rank of the merge of two single bytes; NO_RANK where there is none. */
  readonly pairRanks: Int32Array
  /** Byte → id of the token that stands for it alone; -1 where there is none. */
  readonly byteIds: Int32Array
  /** Where an id's bytes begin in `tokenBytes`; one entry more than there are ids. */
  readonly tokenOffsets: Uint32Array
  /** Ids by the hash of their bytes; -1 where a slot is free. */
  readonly wholeTokens: Int32Array
  /** Code point → id of the token that is this character, or -1; empty in byte-level vocabularies. */
  readonly characterIds: Int32Array
  /** Pairs of characters that meet in a merge; empty in byte-level vocabularies. */
  readonly junctions: Int32Array
  readonly asciiJunctions: Uint8Array
  readonly tokenBytes: Uint8Array
  /** Class bits by code point. */
  readonly classes: Uint8Array
}

/** Sections of a packed file as they were read. */
export interface PackedSections {
  readonly tokenOffsets: Buffer
  readonly merges: Buffer
  readonly byteIds: Buffer
  readonly tokenBytes: Buffer
  readonly classes: Buffer
  readonly characters: Buffer
  readonly junctions: Buffer
}

interface Sizes {
  readonly tokens: number
  readonly mergeCount: number
  readonly ignoresMerges: boolean
}

const PAIRS = 65_536

/** Number of entries of every table. */
function sizesOf(sections: PackedSections, { tokens, mergeCount, ignoresMerges }: Sizes): Record<keyof VocabularyTables, number> {
  const characters = wordsOf(sections.characters)
  const junctions = sections.junctions.length / 8
  return {
    mergeSlots: mergeTableWords(mergeCount),
    mergedIds: mergeCount,
    pairRanks: PAIRS,
    byteIds: 256,
    tokenOffsets: tokens + 1,
    wholeTokens: ignoresMerges ? wholeTokenCount(tokens) : 0,
    characterIds: characters.length === 0 ? 0 : highestCode(characters) + 1,
    junctions: junctions === 0 ? 0 : junctionWords(junctions),
    asciiJunctions: junctions === 0 ? 0 : ASCII_PAIRS,
    tokenBytes: sections.tokenBytes.length,
    classes: sections.classes.length,
  }
}

/** Builds the tables in shared memory, words before bytes so that every view is aligned. */
export function buildTables(sections: PackedSections, header: Sizes): VocabularyTables {
  const sizes = sizesOf(sections, header)
  const byteTables = sizes.asciiJunctions + sizes.tokenBytes + sizes.classes
  const entries = Object.values(sizes).reduce((sum, size) => sum + size, 0)
  const memory = new SharedArrayBuffer((entries - byteTables) * 4 + byteTables)
  let at = 0
  const claim = (bytes: number): number => {
    at += bytes
    return at - bytes
  }
  const words = (count: number): Int32Array => new Int32Array(memory, claim(count * 4), count)
  const bytes = (count: number): Uint8Array => new Uint8Array(memory, claim(count), count)
  const tables: VocabularyTables = {
    mergeSlots: words(sizes.mergeSlots),
    mergedIds: words(sizes.mergedIds),
    pairRanks: words(sizes.pairRanks),
    byteIds: words(sizes.byteIds),
    tokenOffsets: new Uint32Array(memory, claim(sizes.tokenOffsets * 4), sizes.tokenOffsets),
    wholeTokens: words(sizes.wholeTokens),
    characterIds: words(sizes.characterIds),
    junctions: words(sizes.junctions),
    asciiJunctions: bytes(sizes.asciiJunctions),
    tokenBytes: bytes(sizes.tokenBytes),
    classes: bytes(sizes.classes),
  }
  fillTables(tables, sections)
  return tables
}

function fillTables(tables: VocabularyTables, sections: PackedSections): void {
  tables.tokenBytes.set(sections.tokenBytes)
  tables.classes.set(sections.classes)
  tables.byteIds.set(wordsOf(sections.byteIds))
  tables.tokenOffsets.set(wordsOf(sections.tokenOffsets))
  const merges = wordsOf(sections.merges)
  fillMergeSlots(merges, tables.mergeSlots, tables.mergedIds)
  fillBytePairs(tables, merges)
  if (tables.wholeTokens.length > 0) fillWholeTokens(tables)
  fillCharacters(tables.characterIds, wordsOf(sections.characters))
  if (tables.junctions.length > 0) fillJunctions(tables, wordsOf(sections.junctions))
}

function highestCode(characters: Uint32Array): number {
  let highest = 0
  for (let word = 0; word < characters.length; word += 2) highest = Math.max(highest, characters[word] as number)
  return highest
}

function fillCharacters(ids: Int32Array, characters: Uint32Array): void {
  ids.fill(-1)
  for (let word = 0; word < characters.length; word += 2) ids[characters[word] as number] = characters[word + 1] as number
}

/** A section as words; copied, because it may stand at any place in the file. */
function wordsOf(section: Buffer): Uint32Array {
  const words = new Uint32Array(section.length / 4)
  new Uint8Array(words.buffer).set(section)
  return words
}

/** The first ranks of a piece come from this direct table, so that they need no hashing. */
function fillBytePairs({ pairRanks, byteIds, tokenOffsets }: VocabularyTables, merges: Uint32Array): void {
  pairRanks.fill(NO_RANK)
  const byteOf = new Int16Array(tokenOffsets.length).fill(-1)
  for (const [byte, id] of byteIds.entries()) if (id >= 0) byteOf[id] = byte
  for (let word = 0; word < merges.length; word += 3) {
    const left = byteOf[merges[word] as number] as number
    const right = byteOf[merges[word + 1] as number] as number
    if (left < 0 || right < 0) continue
    pairRanks[(left << 8) | right] = word / 3
  }
}
