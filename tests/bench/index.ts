import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.ts'
import { fullBytes } from './corpus/sizes.ts'
import { comparisons } from './datasets/comparisons.ts'
import { measureDatasets } from './datasets/suite.ts'
import { measureWindow, windowFigures } from './datasets/window.ts'
import { measure, type Measurement } from './measure.ts'
import { jsonLine, textLine, writeTable } from './report.ts'
import { adaptersVerify } from './suites/adapters.ts'
import { chartDecimate } from './suites/chart.ts'
import { metricsIngest, metricsRead } from './suites/metrics.ts'
import { volumeCopy } from './suites/volume.ts'
import { measureTrainer, trainerFigures } from './trainer/suite.ts'
import { measureTransfer, transferFigures } from './transfer/suite.ts'

const benchmarks: readonly Benchmark[] = [metricsIngest, metricsRead, chartDecimate, volumeCopy, adaptersVerify]
const names: readonly string[] = [
  ...comparisons.map(({ name }) => name),
  ...windowFigures,
  ...benchmarks.map(({ name }) => name),
  ...transferFigures,
  ...trainerFigures,
]
const readme = new URL('../../README.md', import.meta.url)

/** Exit status: 0 all within their targets, 1 at least one beyond, 2 a wrong argument. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      bytes: { type: 'string', default: process.env['TUNESMITH_BENCH_BYTES'] ?? String(fullBytes) },
      rounds: { type: 'string', default: '3' },
      'write-readme': { type: 'boolean', default: false },
    },
  })
  const isChosen = ({ name }: { readonly name: string }) => positionals.length === 0 || positionals.some((filter) => name.includes(filter))
  const [bytes, rounds] = [Number(values.bytes), Number(values.rounds)]
  if (!names.some((name) => isChosen({ name }))) return refuse(`No benchmark has that name. There are: ${names.join(', ')}`)
  if (!(bytes >= 1_000_000) || !(rounds >= 3)) return refuse('--bytes is at least 1000000 and --rounds at least 3.')
  if (values['write-readme'] && !names.every((name) => isChosen({ name })))
    return refuse('--write-readme needs all benchmarks, so no filter.')
  const measurements: Measurement[] = []
  const add = (measurement: Measurement) => {
    measurements.push(measurement)
    console.log(jsonLine(measurement))
  }
  const chosen = comparisons.filter(isChosen)
  if (chosen.length > 0) (await measureDatasets(chosen, { bytes, rounds, say: (line) => console.error(line) })).forEach(add)
  if (windowFigures.some((name) => isChosen({ name }))) (await measureWindow({ bytes, say: (line) => console.error(line) })).forEach(add)
  for (const benchmark of benchmarks.filter(isChosen)) add(await measure(benchmark))
  if (transferFigures.some((name) => isChosen({ name }))) {
    ;(await measureTransfer({ rounds, isChosen, say: (line) => console.error(line) })).forEach(add)
  }
  if (trainerFigures.some((name) => isChosen({ name }))) {
    ;(await measureTrainer({ rounds, say: (line) => console.error(line) })).filter(isChosen).forEach(add)
  }
  if (!values.json) console.log(['', ...measurements.map(textLine)].join('\n'))
  if (values['write-readme']) writeTable(readme, measurements)
  return measurements.every(({ ok }) => ok) ? 0 : 1
}

function refuse(message: string): number {
  console.error(message)
  return 2
}

process.exitCode = await main()
