import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultSeed, fullBytes } from './sizes.ts'
import { openTextPool } from './pool.ts'
import { truthPath, writeCorpus } from './write-corpus.ts'

const usage = 'node tests/bench/corpus/generate.ts --out FILE [--bytes N] [--seed N]'

/** Writes a corpus and says what is in it. Exit status: 0 written, 2 a wrong argument. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      bytes: { type: 'string', default: String(fullBytes) },
      seed: { type: 'string', default: String(defaultSeed) },
    },
  })
  const bytes = Number(values.bytes)
  const seed = Number(values.seed)
  if (values.out === undefined || !(bytes > 0) || !Number.isInteger(seed)) {
    console.error(usage)
    return 2
  }
  const path = resolve(values.out)
  mkdirSync(dirname(path), { recursive: true })
  const pool = await openTextPool((line) => console.error(line))
  const startMs = performance.now()
  const { defects, repeats, ...truth } = writeCorpus(pool, { path, bytes, seed })
  const seconds = Math.round((performance.now() - startMs) / 100) / 10
  const exact = repeats.filter(({ kind }) => kind === 'exact').length
  console.log(
    JSON.stringify({ path, list: truthPath(path), ...truth, defects: defects.length, exact, near: repeats.length - exact, seconds }),
  )
  return 0
}

process.exitCode = await main()
