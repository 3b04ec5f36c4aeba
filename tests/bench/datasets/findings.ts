import { z } from 'zod'
import type { CorpusTruth } from '../corpus/write-corpus.ts'
import { dropEvery, firstRows, type ContenderName } from './contenders.ts'
import { readOutput, type ChildRun } from './run-child.ts'

const validationSchema = z.object({
  stats: z.object({ rows: z.int(), errorRows: z.int() }),
  issues: z.array(
    z.object({
      rule: z.string(),
      severity: z.string(),
      count: z.int(),
      examples: z.array(z.object({ line: z.int().nullable(), pointer: z.string() })),
    }),
  ),
})
const totalSchema = z.object({ total: z.int() })
const tokensSchema = z.object({ tokens: z.int(), texts: z.int() })
const exportSchema = z.object({ files: z.array(z.object({ rows: z.int() })) })
const groupsSchema = z.object({ groups: z.int(), rows: z.int() })
const linesSchema = z.object({ rows: z.int() })
const firstRowsSchema = z.object({ rows: z.array(z.unknown()) })

const leastRecall = 0.95

/** Runs of one round, by contender. */
export type RoundRuns = ReadonlyMap<ContenderName, ChildRun>

/** Compares what the programs found with the corpus's own list and with each other; answers what differs, in sentences. */
export async function findDifferences(runs: RoundRuns, truth: CorpusTruth): Promise<string[]> {
  return [
    ...(await checkDefects(runs, truth)),
    ...(await checkExport(runs, truth)),
    ...(await checkNearDuplicates(runs, truth)),
    ...(await checkSame(
      runs,
      'search',
      'python-search',
      'rows that hold the text',
      async (path) => (await readOutput(path, totalSchema)).total,
    )),
    ...(await checkSame(
      runs,
      'own-tokenizer',
      'reference-tokenizer',
      'tokens',
      async (path) => (await readOutput(path, tokensSchema)).tokens,
    )),
    ...(await checkFirstRows(runs, truth)),
  ]
}

/** Every error that was found, and every one that was put in, as `line rule pointer`. */
async function checkDefects(runs: RoundRuns, truth: CorpusTruth): Promise<string[]> {
  const run = runs.get('validate')
  if (run === undefined) return []
  const { stats, issues } = await readOutput(run.outputPath, validationSchema)
  const found = new Set<string>()
  for (const { rule, severity, examples } of issues) {
    if (severity === 'error') for (const { line, pointer } of examples) found.add(placeOf(line, rule, pointer))
  }
  const seeded = new Set(truth.defects.map(({ line, rule, pointer }) => placeOf(line, rule, pointer)))
  return [
    ...(stats.rows === truth.rows ? [] : [`${stats.rows} rows were read of ${truth.rows}.`]),
    ...listSome(
      'Seeded and not found',
      [...seeded].filter((place) => !found.has(place)),
    ),
    ...listSome(
      'Found and not seeded',
      [...found].filter((place) => !seeded.has(place)),
    ),
  ]
}

function placeOf(line: number | null, rule: string, pointer: string): string {
  return `line ${line} ${rule} ${pointer}`.trimEnd()
}

function listSome(title: string, places: readonly string[]): string[] {
  if (places.length === 0) return []
  return [`${title}, ${places.length}: ${places.slice(0, 10).join('; ')}`]
}

/** Rows that are neither left out nor broken. */
async function checkExport(runs: RoundRuns, { rows, defects }: CorpusTruth): Promise<string[]> {
  const run = runs.get('export')
  if (run === undefined) return []
  const exported = await readOutput(run.outputPath, exportSchema)
  const broken = defects.filter(({ line }) => line % dropEvery !== 0).length
  const expected = rows - Math.floor(rows / dropEvery) - broken
  const written = exported.files.reduce((sum, file) => sum + file.rows, 0)
  return written === expected ? [] : [`${written} rows were exported of ${expected}.`]
}

/** Repeats of all kinds count; a copy whose text is short may have changed too much to be a near one. */
async function checkNearDuplicates(runs: RoundRuns, { repeats }: CorpusTruth): Promise<string[]> {
  const run = runs.get('near-duplicates')
  const sliced = runs.get('python-parse-slice')
  if (run === undefined || sliced === undefined) return []
  const { groups, rows } = await readOutput(run.outputPath, groupsSchema)
  const sliceRows = (await readOutput(sliced.outputPath, linesSchema)).rows
  const seeded = repeats.filter(({ line }) => line <= sliceRows).length
  const found = rows - groups
  return found >= seeded * leastRecall ? [] : [`${found} rows were found that repeat others; ${seeded} repeats were put in.`]
}

async function checkSame(
  runs: RoundRuns,
  own: ContenderName,
  reference: ContenderName,
  what: string,
  read: (path: string) => Promise<number>,
): Promise<string[]> {
  const [ours, theirs] = [runs.get(own), runs.get(reference)]
  if (ours === undefined || theirs === undefined) return []
  const [mine, expected] = [await read(ours.outputPath), await read(theirs.outputPath)]
  return mine === expected ? [] : [`${own} counted ${mine} ${what}, ${reference} ${expected}.`]
}

async function checkFirstRows(runs: RoundRuns, { rows }: CorpusTruth): Promise<string[]> {
  const run = runs.get('first-rows')
  if (run === undefined) return []
  const printed = (await readOutput(run.outputPath, firstRowsSchema)).rows.length
  return printed === Math.min(firstRows, rows) ? [] : [`${printed} rows were printed of the first ${firstRows}.`]
}
