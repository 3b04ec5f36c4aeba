import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark, Contestant } from './benchmark.ts'
import { formatMs } from './format-ms.ts'

/** What came out of one benchmark. */
export interface Measurement {
  readonly name: string
  readonly work: string
  readonly against: string
  readonly target: number
  readonly rounds: number
  /** Median over the rounds of tunesmith ÷ reference, or the figure itself where there is no reference. */
  readonly ratio: number
  /** What each side took, with its unit. */
  readonly reference: string
  readonly tunesmith: string
  /** True where the target is the least that is accepted. */
  readonly isAtLeast: boolean
  readonly unit: '×' | 'MB' | 'ms' | ''
  /** Further figures for programs that read the results. */
  readonly extra: Readonly<Record<string, number>>
  readonly ok: boolean
}

const leastRounds = 3

/** Runs both sides alternately in one process; the first, untimed round compiles and fills the caches for both. */
export async function measure(benchmark: Benchmark): Promise<Measurement> {
  const { name, work, against, target, rounds } = benchmark
  if (rounds < leastRounds) throw new Error(`${name} needs at least ${leastRounds} rounds`)
  const folder = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'))
  try {
    const contest = await benchmark.prepare(folder)
    try {
      const pairs: { referenceMs: number; tunesmithMs: number }[] = []
      for (let round = 0; round <= rounds; round += 1) {
        const pair = await runPair(name, contest.reference, contest.tunesmith, round % 2 === 1)
        if (round > 0) pairs.push(pair)
      }
      const ratio = median(pairs.map((pair) => pair.tunesmithMs / pair.referenceMs))
      const referenceMs = median(pairs.map((pair) => pair.referenceMs))
      const tunesmithMs = median(pairs.map((pair) => pair.tunesmithMs))
      const sides = { reference: formatMs(referenceMs), tunesmith: formatMs(tunesmithMs) }
      return {
        name,
        work,
        against,
        target,
        rounds,
        ratio,
        ...sides,
        isAtLeast: false,
        unit: '×',
        extra: { tunesmithMs, referenceMs },
        ok: ratio <= target,
      }
    } finally {
      contest.close?.()
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** One round; which side goes first changes, so that neither always finds the caches the other left. */
async function runPair(name: string, reference: Contestant, tunesmith: Contestant, isTunesmithFirst: boolean) {
  const early = isTunesmithFirst ? await time(tunesmith) : undefined
  const plain = await time(reference)
  const own = early ?? (await time(tunesmith))
  if (plain.done !== own.done) throw new Error(`${name}: the reference did ${plain.done} and Tunesmith ${own.done} of the same work`)
  return { referenceMs: plain.ms, tunesmithMs: own.ms }
}

async function time(contestant: Contestant): Promise<{ ms: number; done: number }> {
  const startMs = performance.now()
  const done = await contestant.run()
  const ms = performance.now() - startMs
  await contestant.reset?.()
  return { ms, done }
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}
