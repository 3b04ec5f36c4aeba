import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { z } from 'zod'
import { AppError } from '../../../../../preload/contract/errors.ts'
import { createKnownPieces, type KnownPieces } from './known-pieces.ts'
import { buildTables, type PackedSections, type VocabularyTables } from './vocabulary-tables.ts'

const MAGIC = 'TSVOC001'

const sectionSchema = z.object({ at: z.int().nonnegative(), bytes: z.int().nonnegative() })

const headerSchema = z.object({
  family: z.string(),
  sourceSha256: z.string(),
  unicode: z.string(),
  scanner: z.enum(['words', 'cased-words', 'plain-words', 'runs', 'junctions']),
  digits: z.int().positive(),
  keepsContractions: z.boolean(),
  normaliser: z.enum(['none', 'nfc', 'spaces']),
  ignoresMerges: z.boolean(),
  tokens: z.int().positive(),
  mergeCount: z.int().nonnegative(),
  addedTokens: z.array(z.object({ id: z.int(), text: z.string(), isSpecial: z.boolean(), isNormalised: z.boolean() })),
  chatTemplate: z.string().nullable(),
  bosToken: z.string().nullable(),
  eosToken: z.string().nullable(),
  sections: z.object({
    tokenOffsets: sectionSchema,
    merges: sectionSchema,
    byteIds: sectionSchema,
    tokenBytes: sectionSchema,
    classes: sectionSchema,
    characters: sectionSchema,
    junctions: sectionSchema,
  }),
})

/** What a packed vocabulary says about itself. */
export type VocabularyHeader = z.infer<typeof headerSchema>

/** A vocabulary ready for use; every table is a view on shared memory, so that a message to a worker copies none of it. */
export interface VocabularyData {
  readonly header: Omit<VocabularyHeader, 'sections'>
  readonly tables: VocabularyTables
  /** What has been counted with it, by whichever thread. */
  readonly known: KnownPieces
}

const unzip = promisify(gunzip)

/** Reads a packed vocabulary and builds its look-up tables. */
export async function loadVocabulary(path: string): Promise<VocabularyData> {
  try {
    const { sections: _places, parts, ...header } = parse(await unzip(await readFile(path)))
    return { header, tables: buildTables(parts, header), known: createKnownPieces() }
  } catch (cause) {
    throw new AppError('DATASET_FILE_UNREADABLE', 'A vocabulary file of the app cannot be read. Install the app again.', { cause })
  }
}

function parse(file: Buffer): VocabularyHeader & { parts: PackedSections } {
  if (file.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('No packed vocabulary of this version')
  const headerEnd = MAGIC.length + 4 + file.readUInt32LE(MAGIC.length)
  const header = headerSchema.parse(JSON.parse(file.toString('utf8', MAGIC.length + 4, headerEnd)))
  const part = (name: keyof PackedSections): Buffer => {
    const { at, bytes } = header.sections[name]
    if (headerEnd + at + bytes > file.length) throw new Error(`Section ${name} is cut off`)
    return file.subarray(headerEnd + at, headerEnd + at + bytes)
  }
  const parts = {
    tokenOffsets: part('tokenOffsets'),
    merges: part('merges'),
    byteIds: part('byteIds'),
    tokenBytes: part('tokenBytes'),
    classes: part('classes'),
    characters: part('characters'),
    junctions: part('junctions'),
  }
  return { ...header, parts }
}
