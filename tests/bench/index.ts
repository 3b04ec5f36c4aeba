import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.ts'
import { measure, type Measurement } from './measure.ts'
import { jsonLine, textLine, writeTable } from './report.ts'
import { adaptersVerify } from './suites/adapters.ts'
import { chartDecimate } from './suites/chart.ts'
import { datasetsCheck } from './suites/datasets.ts'
import { metricsIngest, metricsRead } from './suites/metrics.ts'
import { volumeCopy } from './suites/volume.ts'

const benchmarks: readonly Benchmark[] = [datasetsCheck, metricsIngest, metricsRead, chartDecimate, volumeCopy, adaptersVerify]
const readme = new URL('../../README.md', import.meta.url)

/** Exit status: 0 all within their targets, 1 at least one beyond, 2 a wrong argument. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, 'write-readme': { type: 'boolean', default: false } },
  })
  const chosen = benchmarks.filter(({ name }) => positionals.length === 0 || positionals.some((filter) => name.includes(filter)))
  if (chosen.length === 0) return refuse(`No benchmark has that name. There are: ${benchmarks.map(({ name }) => name).join(', ')}`)
  if (values['write-readme'] && chosen.length < benchmarks.length) return refuse('--write-readme needs all benchmarks, so no filter.')
  const measurements: Measurement[] = []
  for (const benchmark of chosen) {
    const measurement = await measure(benchmark)
    measurements.push(measurement)
    console.log(jsonLine(measurement))
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
