import { describe, expect, it } from 'vitest'
import { createCalendar } from '../../../../main/features/costs/calendar.ts'

const hourMs = 3_600_000
const iso = (atMs: number) => new Date(atMs).toISOString()

describe('days and months of the user', () => {
  it('a month would begin at midnight in Greenwich', () => {
    const { fromMs, toMs } = createCalendar('America/Los_Angeles').monthOf(Date.UTC(2026, 10, 1, 5))
    expect([iso(fromMs), iso(toMs)]).toEqual(['2026-10-01T07:00:00.000Z', '2026-11-01T07:00:00.000Z'])
    const tokyo = createCalendar('Asia/Tokyo').monthOf(Date.UTC(2026, 11, 31, 20))
    expect([iso(tokyo.fromMs), iso(tokyo.toMs)]).toEqual(['2026-12-31T15:00:00.000Z', '2027-01-31T15:00:00.000Z'])
  })

  it('the days on which clocks are changed would be 24 hours, so that an hour is lost or in two days', () => {
    const berlin = createCalendar('Europe/Berlin')
    const spring = berlin.dayOf(Date.UTC(2026, 2, 29, 12))
    const autumn = berlin.dayOf(Date.UTC(2026, 9, 25, 12))
    expect([(spring.toMs - spring.fromMs) / hourMs, (autumn.toMs - autumn.fromMs) / hourMs]).toEqual([23, 25])
    expect(iso(autumn.fromMs)).toBe('2026-10-24T22:00:00.000Z')
  })

  it('a day without a midnight would begin on the day before', () => {
    // In Beirut the clock goes from 0:00 to 1:00.
    const beirut = createCalendar('Asia/Beirut')
    const { fromMs, toMs } = beirut.dayOf(Date.UTC(2026, 2, 29, 12))
    expect([iso(fromMs), (toMs - fromMs) / hourMs, beirut.dateOf(fromMs)]).toEqual(['2026-03-28T22:00:00.000Z', 23, '2026-03-29'])
  })

  it('in every zone days would leave gaps, overlap, or not hold their own moments', () => {
    for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia', 'America/St_Johns']) {
      const calendar = createCalendar(zone)
      let atMs = Date.UTC(2026, 0, 1)
      let before = calendar.dayOf(atMs)
      while (atMs < Date.UTC(2027, 0, 1)) {
        atMs = before.toMs
        const day = calendar.dayOf(atMs)
        expect(day.fromMs, `${zone} ${iso(atMs)}`).toBe(before.toMs)
        expect(calendar.dayOf(day.toMs - 1)).toEqual(day)
        before = day
      }
    }
  })

  it('thirty days would be 29 or 31, and last month that of a year ago', () => {
    const calendar = createCalendar('UTC')
    const nowMs = Date.UTC(2026, 0, 15, 9)
    const days = calendar.periodOf('days_30', nowMs)
    expect(((days?.toMs ?? 0) - (days?.fromMs ?? 0)) / (24 * hourMs)).toBe(30)
    expect(iso(calendar.periodOf('last_month', nowMs)?.fromMs ?? 0)).toBe('2025-12-01T00:00:00.000Z')
    expect(calendar.periodOf('all', nowMs)).toBeNull()
  })
})
