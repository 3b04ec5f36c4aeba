import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Measurement } from './measure.ts'

const startMark = '<!-- bench:start -->'
const endMark = '<!-- bench:end -->'

/** The line a program reads. */
export function jsonLine({ name, ratio, target, ok, isAtLeast, unit, extra }: Measurement): string {
  const further = Object.fromEntries(Object.entries(extra).map(([key, value]) => [key, roundRatio(value)]))
  return JSON.stringify({ name, ratio: roundRatio(ratio), target, ok, bound: isAtLeast ? 'at least' : 'at most', unit, ...further })
}

/** The line a person reads. */
export function textLine(measurement: Measurement): string {
  const { name, reference, tunesmith, ok } = measurement
  const times = `${tunesmith} to ${reference}`
  return `${name.padEnd(26)} ${formatRatio(measurement).padStart(9)}  target ${formatTarget(measurement).padEnd(9)} ${times.padEnd(24)} ${ok ? 'ok' : 'MISSED'}`
}

/** Replaces the block between the two marks of a file by the table of these results. */
export function writeTable(path: string | URL, measurements: readonly Measurement[]): void {
  const text = readFileSync(path, 'utf8')
  const start = text.indexOf(startMark)
  const end = text.indexOf(endMark)
  if (start === -1 || end < start) throw new Error(`The marks ${startMark} and ${endMark} are not in the file`)
  writeFileSync(path, `${text.slice(0, start + startMark.length)}\n\n${table(measurements)}\n\n${text.slice(end)}`)
}

const titles = ['Name', 'Tunesmith', 'Reference', 'Tunesmith’s', 'Reference’s', 'Ratio', 'Target']
/** Columns from here on are figures and stand to the right. */
const firstFigure = 3

function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => {
    const { name, work, against, tunesmith, reference, ok } = measurement
    const limit = formatTarget(measurement)
    return [`\`${name}\``, work, against, tunesmith, reference, formatRatio(measurement), ok ? limit : `${limit}, **missed**`]
  })
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const rule = widths.map((width, column) => (column < firstFigure ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [
    ...[titles, rule, ...rows].map((row) => tableLine(row, widths)),
    '',
    `Node ${process.versions.node} on ${process.platform} ${process.arch}, ${cpus().length} logical cores. Both sides run alternately in one process after an untimed first`,
    'round; times are medians, the ratio is the median of the ratios of the rounds.',
  ].join('\n')
}

function tableLine(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((cell, column) => {
    const width = widths[column] ?? 0
    return column < firstFigure ? cell.padEnd(width) : cell.padStart(width)
  })
  return `| ${cells.join(' | ')} |`
}

function roundRatio(ratio: number): number {
  return Math.round(ratio * 1000) / 1000
}

function formatRatio({ ratio, unit }: Measurement): string {
  return unit === '×' ? `${ratio.toFixed(2)} ×` : `${Math.round(ratio)} ${unit}`.trimEnd()
}

function formatTarget({ target, isAtLeast }: Measurement): string {
  return `${isAtLeast ? '≥' : '≤'} ${target}`
}
