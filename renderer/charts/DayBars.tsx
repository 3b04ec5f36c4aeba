import './day-bars.css'
import { useState } from 'react'
import { formatMoney } from '../lib/format.ts'

/** One day and what it is made of, in the order of the series. */
export interface DayBar {
  readonly dayMs: number
  readonly label: string
  readonly amounts: readonly number[]
}

interface DayBarsProps {
  readonly title: string
  readonly series: readonly string[]
  readonly days: readonly DayBar[]
}

const plotHeight = 100

/** Money by day as stacked bars; the same figures are in the tables of the page, so the picture is for the eye only. */
export function DayBars({ title, series, days }: DayBarsProps) {
  const [pointed, setPointed] = useState<number | null>(null)
  const most = Math.max(1, ...days.map(({ amounts }) => heightOf(amounts)))
  const shown = pointed === null ? undefined : days[pointed]
  const dayAt = (element: Element, clientX: number) => {
    const { left, width } = element.getBoundingClientRect()
    return Math.min(days.length - 1, Math.max(0, Math.floor(((clientX - left) / Math.max(1, width)) * days.length)))
  }
  return (
    <figure className="day-bars" aria-label={title}>
      <figcaption>
        <h3>{title}</h3>
        <ul aria-hidden="true">
          {series.map((name, index) => (
            <li key={name}>
              <i data-series={index} />
              {name}
            </li>
          ))}
        </ul>
      </figcaption>
      <div
        className="day-bars-plot"
        aria-hidden="true"
        onPointerMove={(event) => setPointed(dayAt(event.currentTarget, event.clientX))}
        onPointerLeave={() => setPointed(null)}
      >
        <svg viewBox={`0 0 ${days.length} ${plotHeight}`} preserveAspectRatio="none">
          {days.map((day, index) => (
            <Stack key={day.dayMs} day={day} index={index} most={most} isPointed={index === pointed} />
          ))}
        </svg>
        <span className="day-bars-most">{formatMoney(most)}</span>
      </div>
      <div className="day-bars-ticks" aria-hidden="true">
        <span>{days[0]?.label}</span>
        <span>{days.length > 1 ? days.at(-1)?.label : ''}</span>
      </div>
      <p className="day-bars-readout">{shown === undefined ? summaryOf(days) : describeDay(shown, series)}</p>
    </figure>
  )
}

interface StackProps {
  readonly day: DayBar
  readonly index: number
  readonly most: number
  readonly isPointed: boolean
}

function Stack({ day, index, most, isPointed }: StackProps) {
  return (
    <g data-pointed={isPointed}>
      {stackOf(day.amounts, most).map(({ top, height }, series) => (
        <rect key={series} data-series={series} x={index + 0.1} width={0.8} y={top} height={height} />
      ))}
    </g>
  )
}

/** Where each amount stands on those before it. */
function stackOf(amounts: readonly number[], most: number): readonly { readonly top: number; readonly height: number }[] {
  // A cent among dollars still shows.
  const heights = amounts.map((amount) => (amount <= 0 ? 0 : Math.max(1, (amount / most) * plotHeight)))
  return heights.map((height, series) => {
    const below = heights.slice(0, series + 1).reduce((sum, each) => sum + each, 0)
    return { height, top: Math.max(0, plotHeight - below) }
  })
}

/** What was taken off a day has no height; the figures name it. */
function heightOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + Math.max(0, amount), 0)
}

function totalOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0)
}

function describeDay({ label, amounts }: DayBar, series: readonly string[]): string {
  const parts = series.flatMap((name, index) => {
    const amount = amounts[index] ?? 0
    return amount === 0 ? [] : [`${name.toLowerCase()} ${formatMoney(amount)}`]
  })
  return `${label}: ${formatMoney(totalOf(amounts))}${parts.length > 1 ? ` (${parts.join(', ')})` : ''}`
}

function summaryOf(days: readonly DayBar[]): string {
  const paid = days.filter(({ amounts }) => totalOf(amounts) !== 0)
  const dearest = paid.toSorted((a, b) => totalOf(b.amounts) - totalOf(a.amounts))[0]
  if (dearest === undefined) return 'No day of this period cost anything.'
  const count = paid.length === 1 ? '1 day cost something' : `${paid.length} days cost something`
  return `${count}; the most was ${formatMoney(totalOf(dearest.amounts))} on ${dearest.label}.`
}
