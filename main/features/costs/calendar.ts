import type { CostPeriod } from '../../../preload/contract/costs.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const mostKnownHours = 10_000

/** A span of time; the end is not part of it. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Days and months as the user's wall calendar has them. */
export interface Calendar {
  /** The day a moment belongs to. */
  dayOf(atMs: number): Span
  /** The month of a moment, or one so many months from it. */
  monthOf(atMs: number, monthsLater?: number): Span
  /** Bounds of a period that ends with the day or month of `nowMs`; null without bounds. */
  periodOf(period: CostPeriod, nowMs: number): Span | null
  /** The date of a day as 2026-11-12. */
  dateOf(atMs: number): string
}

interface WallDate {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** Builds the calendar of a time zone; that of this computer without one. Days last 23 or 25 hours where the clock is changed. */
export function createCalendar(timeZone?: string): Calendar {
  const format = new Intl.DateTimeFormat('en-US', {
    ...(timeZone === undefined ? {} : { timeZone }),
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const wallOf = (atMs: number) => {
    const found = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
    const part = (type: Intl.DateTimeFormatPartTypes) => found.get(type) ?? 0
    const date: WallDate = { year: part('year'), month: part('month'), day: part('day') }
    const asUtcMs = Date.UTC(date.year, date.month - 1, date.day, part('hour'), part('minute'), part('second'))
    return { date, offsetMs: asUtcMs - Math.floor(atMs / 1000) * 1000 }
  }
  /** The first moment of a date; where midnight is left out, the first one after it. */
  const firstMomentOf = ({ year, month, day }: WallDate): number => {
    const midnightMs = Date.UTC(year, month - 1, day)
    const candidates = [midnightMs - dayMs, midnightMs + dayMs].map((atMs) => midnightMs - wallOf(atMs).offsetMs)
    const wanted = new Date(midnightMs)
    const isThatDay = (atMs: number) => {
      const { date } = wallOf(atMs)
      return date.day === wanted.getUTCDate() && date.month === wanted.getUTCMonth() + 1
    }
    return candidates.filter(isThatDay).toSorted((a, b) => a - b)[0] ?? Math.max(...candidates)
  }
  const monthOf = (atMs: number, monthsLater = 0): Span => {
    const { year, month } = wallOf(atMs).date
    return {
      fromMs: firstMomentOf({ year, month: month + monthsLater, day: 1 }),
      toMs: firstMomentOf({ year, month: month + monthsLater + 1, day: 1 }),
    }
  }
  const dayOf = (atMs: number, daysEarlier = 0): Span => {
    const { year, month, day } = wallOf(atMs).date
    return {
      fromMs: firstMomentOf({ year, month, day: day - daysEarlier }),
      toMs: firstMomentOf({ year, month, day: day - daysEarlier + 1 }),
    }
  }
  /** Asked for every line of a bill, and slow to work out; most questions are about few days. */
  const knownDays = new Map<number, Span>()
  const knownDayOf = (atMs: number): Span => {
    const key = Math.floor(atMs / hourMs)
    const known = knownDays.get(key)
    if (known !== undefined && atMs >= known.fromMs && atMs < known.toMs) return known
    if (knownDays.size >= mostKnownHours) knownDays.clear()
    const day = dayOf(atMs)
    knownDays.set(key, day)
    return day
  }
  return {
    dayOf: knownDayOf,
    monthOf,
    periodOf(period, nowMs) {
      switch (period) {
        case 'this_month':
          return monthOf(nowMs)
        case 'last_month':
          return monthOf(nowMs, -1)
        case 'days_30':
          return { fromMs: dayOf(nowMs, 29).fromMs, toMs: dayOf(nowMs).toMs }
        case 'all':
          return null
      }
    },
    dateOf(atMs) {
      const { year, month, day } = wallOf(atMs).date
      return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
    },
  }
}
