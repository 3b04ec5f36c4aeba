import './histogram.css'
import { useState } from 'react'
import type { Histogram as HistogramData } from '../../preload/contract/datasets.ts'
import { formatCount } from '../lib/format.ts'

interface HistogramProps {
  readonly title: string
  /** What the values count, such as `tokens`. */
  readonly unit: string
  /** Null while it has not been computed. */
  readonly data: HistogramData | null
  /** Stands in the plot's place while there are no figures. */
  readonly missingText: string
  /** Opens the rows between two values. */
  readonly onChoose?: (from: number, to: number) => void
}

const plotHeight = 100
const marks = [
  { id: 'p50', title: 'half' },
  { id: 'p90', title: '90 %' },
  { id: 'p99', title: '99 %' },
] as const

/** How rows are spread over a measure, with the values that half, 90 % and 99 % of them stay below; also as a table. */
export function Histogram({ title, unit, data, missingText, onChoose }: HistogramProps) {
  const [isTable, setTable] = useState(false)
  const [pointed, setPointed] = useState<number | null>(null)
  const rows = data?.counts.reduce((sum, count) => sum + count, 0) ?? 0
  return (
    <figure className="histogram" aria-label={title}>
      <figcaption>
        <h3>{title}</h3>
        {data !== null && rows > 0 && (
          <button type="button" aria-label={`Table: ${title}`} aria-pressed={isTable} onClick={() => setTable(!isTable)}>
            Table
          </button>
        )}
      </figcaption>
      {data === null || rows === 0 ? (
        <p className="histogram-missing">{data === null ? missingText : 'No rows to count.'}</p>
      ) : (
        <>
          {isTable ? (
            <HistogramTable title={title} unit={unit} data={data} {...(onChoose === undefined ? {} : { onChoose })} />
          ) : (
            <HistogramPlot data={data} pointed={pointed} onPoint={setPointed} {...(onChoose === undefined ? {} : { onChoose })} />
          )}
          <p className="histogram-readout">
            {pointed === null || isTable ? <Summary data={data} unit={unit} /> : describeBin(data, pointed, unit)}
          </p>
        </>
      )}
    </figure>
  )
}

function Summary({ data, unit }: { readonly data: HistogramData; readonly unit: string }) {
  return (
    <>
      {marks.map(({ id, title }) => (
        <span key={id}>
          <i data-mark={id} aria-hidden="true" />
          {title} ≤ {formatCount(data[id])}
        </span>
      ))}
      <span>
        {formatCount(data.min)}–{formatCount(data.max)} {unit}
      </span>
    </>
  )
}

interface PlotProps {
  readonly data: HistogramData
  readonly pointed: number | null
  readonly onPoint: (bin: number | null) => void
  readonly onChoose?: (from: number, to: number) => void
}

/** Every bin is as wide as the next, whatever it spans, so that long tails stay readable. */
function HistogramPlot({ data, pointed, onPoint, onChoose }: PlotProps) {
  const { counts } = data
  const most = Math.max(1, ...counts)
  const binAt = (element: Element, clientX: number) => {
    const { left, width } = element.getBoundingClientRect()
    return Math.min(counts.length - 1, Math.max(0, Math.floor(((clientX - left) / Math.max(1, width)) * counts.length)))
  }
  const choose = (bin: number) => {
    const range = rangeOfBin(data, bin)
    if (range !== null) onChoose?.(range.from, range.to)
  }
  return (
    <div className="histogram-plot" aria-hidden="true">
      <div
        className="histogram-bars"
        role="presentation"
        data-open={onChoose !== undefined}
        onPointerMove={(event) => onPoint(binAt(event.currentTarget, event.clientX))}
        onPointerLeave={() => onPoint(null)}
        onClick={(event) => choose(binAt(event.currentTarget, event.clientX))}
      >
        <svg viewBox={`0 0 ${counts.length} ${plotHeight}`} preserveAspectRatio="none">
          {counts.map((count, bin) => {
            // A bin with a single row among millions still shows.
            const height = count === 0 ? 0 : Math.max(1.5, (count / most) * plotHeight)
            return <rect key={bin} x={bin + 0.06} width={0.88} y={plotHeight - height} height={height} data-pointed={bin === pointed} />
          })}
        </svg>
        {marks.map(({ id }) => (
          <i key={id} data-mark={id} style={{ left: `${placeOf(data, data[id]) * 100}%` }} />
        ))}
      </div>
      <div className="histogram-ticks">
        {labelledEdges(data).map((edge) => (
          <span key={edge} style={{ left: `${(edge / data.counts.length) * 100}%` }}>
            {formatCount(Math.round(data.edges[edge] ?? 0))}
          </span>
        ))}
      </div>
    </div>
  )
}

interface TableProps {
  readonly title: string
  readonly unit: string
  readonly data: HistogramData
  readonly onChoose?: (from: number, to: number) => void
}

function HistogramTable({ title, unit, data, onChoose }: TableProps) {
  return (
    <div className="histogram-table" role="region" aria-label={`${title}, table`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{unit}</th>
            <th scope="col">Rows</th>
            {onChoose !== undefined && (
              <th scope="col">
                <span className="sr-only">Action</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {data.counts.map((count, bin) => {
            const range = rangeOfBin(data, bin)
            if (range === null || count === 0) return null
            const text = describeRange(range)
            return (
              <tr key={bin}>
                <th scope="row">{text}</th>
                <td>{formatCount(count)}</td>
                {onChoose !== undefined && (
                  <td>
                    <button type="button" aria-label={`Show rows: ${text}`} onClick={() => onChoose(range.from, range.to)}>
                      Show rows
                    </button>
                  </td>
                )}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

interface BinRange {
  readonly from: number
  readonly to: number
}

/** Whole values of a bin; all but the last leave their upper edge to the next. */
function rangeOfBin(data: HistogramData, bin: number): BinRange | null {
  const low = data.edges[bin]
  const high = data.edges[bin + 1]
  if (low === undefined || high === undefined) return null
  const isLast = bin === data.counts.length - 1
  const from = Math.ceil(low)
  return { from, to: Math.max(from, isLast ? Math.floor(high) : Math.ceil(high) - 1) }
}

function describeRange({ from, to }: BinRange): string {
  return from === to ? formatCount(from) : `${formatCount(from)}–${formatCount(to)}`
}

function describeBin(data: HistogramData, bin: number, unit: string): string {
  const range = rangeOfBin(data, bin)
  const count = data.counts[bin]
  if (range === null || count === undefined) return ''
  return `${describeRange(range)} ${unit}: ${formatCount(count)} ${count === 1 ? 'row' : 'rows'}`
}

/** Where a value stands on the axis of equal bins, 0–1. */
function placeOf(data: HistogramData, value: number): number {
  const bins = data.counts.length
  const bin = data.edges.findIndex((edge, index) => value >= edge && value < (data.edges[index + 1] ?? Number.POSITIVE_INFINITY))
  if (bin < 0) return 0
  if (bin >= bins) return 1
  const low = data.edges[bin] ?? 0
  const high = data.edges[bin + 1] ?? low
  return (bin + (high > low ? (value - low) / (high - low) : 0)) / bins
}

/** The edges of bins that get a number: about five, each once, where few bins share the axis as well. */
function labelledEdges({ counts }: HistogramData): number[] {
  return [...new Set([0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * counts.length)))]
}
