import { z } from 'zod'
import { openDatabase, type SqliteDatabase } from '../../../../db/open.ts'

/** The index of one working file: which ranges of which pass are done, and what they hold. It can be rebuilt at any time. */
export interface IndexRepository {
  /** What the index was made for; undefined for a new one. */
  readFact(name: string): unknown
  writeFact(name: string, value: unknown): void
  /** Numbers of the ranges of a pass that are done. */
  listDone(pass: string): number[]
  /** Facts of the finished ranges, in order, one at a time. */
  listFacts(pass: string): Iterable<{ readonly number: number; readonly facts: unknown }>
  /** Facts and columns of the finished ranges, in order, one at a time. */
  listRanges(pass: string): Iterable<{ readonly number: number; readonly facts: unknown; readonly columns: Uint8Array }>
  storeRange(pass: string, range: { number: number; facts: unknown; columns: Uint8Array }): void
  /** Forgets a pass, or only its ranges from a number on. */
  removePass(pass: string, fromNumber?: number): void
  listPasses(): string[]
  clear(): void
  close(): void
}

const factsSchema = z.object({ number: z.int().nonnegative(), facts_json: z.string() })
const rangeSchema = factsSchema.extend({ columns: z.instanceof(Uint8Array) })

/** Opens the index file, or makes an empty one; a damaged file is the caller's to delete. */
export function openIndex(path: string, nativeBinding: string | undefined): IndexRepository {
  const database = openDatabase({ path, nativeBinding })
  try {
    return createIndexRepository(database)
  } catch (error) {
    database.close()
    throw error
  }
}

function createIndexRepository(database: SqliteDatabase): IndexRepository {
  database.exec(`
    CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value_json TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS file_range (
      pass TEXT NOT NULL, number INTEGER NOT NULL, facts_json TEXT NOT NULL, columns BLOB NOT NULL, UNIQUE (pass, number)
    ) STRICT;`)
  const readFact = database.prepare('SELECT value_json FROM fact WHERE name = ?').pluck()
  const writeFact = database.prepare('INSERT OR REPLACE INTO fact (name, value_json) VALUES (?, ?)')
  const listDone = database.prepare('SELECT number FROM file_range WHERE pass = ? ORDER BY number').pluck()
  const listFacts = database.prepare('SELECT number, facts_json FROM file_range WHERE pass = ? ORDER BY number')
  const listRanges = database.prepare('SELECT number, facts_json, columns FROM file_range WHERE pass = ? ORDER BY number')
  const storeRange = database.prepare('INSERT OR REPLACE INTO file_range (pass, number, facts_json, columns) VALUES (?, ?, ?, ?)')
  return {
    readFact(name) {
      const text = z.string().optional().parse(readFact.get(name))
      return text === undefined ? undefined : (JSON.parse(text) as unknown)
    },
    writeFact: (name, value) => void writeFact.run(name, JSON.stringify(value)),
    listDone: (pass) => z.array(z.int()).parse(listDone.all(pass)),
    *listFacts(pass) {
      for (const row of listFacts.iterate(pass)) {
        const { number, facts_json: facts } = factsSchema.parse(row)
        yield { number, facts: JSON.parse(facts) as unknown }
      }
    },
    *listRanges(pass) {
      for (const row of listRanges.iterate(pass)) {
        const { number, facts_json: facts, columns } = rangeSchema.parse(row)
        yield { number, facts: JSON.parse(facts) as unknown, columns }
      }
    },
    storeRange: (pass, { number, facts, columns }) => void storeRange.run(pass, number, JSON.stringify(facts), columns),
    removePass: (pass, fromNumber = 0) =>
      void database.prepare('DELETE FROM file_range WHERE pass = ? AND number >= ?').run(pass, fromNumber),
    listPasses: () => z.array(z.string()).parse(database.prepare('SELECT DISTINCT pass FROM file_range').pluck().all()),
    clear() {
      database.exec('DELETE FROM file_range; DELETE FROM fact;')
    },
    close: () => void database.close(),
  }
}
