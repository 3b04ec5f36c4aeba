import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBillReader } from '../../../../main/features/costs/bill-reader.ts'
import { createCalendar } from '../../../../main/features/costs/calendar.ts'
import { costsCsv } from '../../../../main/features/costs/costs-csv.ts'
import { portionOf } from '../../../../main/features/costs/ledger-input.ts'
import type { BillLine, BillSource } from '../../../../main/features/costs/ports.ts'
import { AppError } from '../../../../preload/contract/errors.ts'
import { createCostWorld } from '../../../support/costs.ts'
import { createVirtualClock } from '../../../support/runs/virtual-clock.ts'
import { createLog } from '../../../../main/lib/log.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const noonMs = Date.UTC(2026, 10, 12, 12)
const endpoint = { subject: 'endpoint' as const, remoteId: 'ep1', name: 'Studio' }
const line = (fromMs: number, amountMicroUsd: number): BillLine => ({ fromMs, toMs: fromMs + hourMs, amountMicroUsd })

/** One run of an hour at noon that came to 41 cents, and RunPod's bill as it was read. */
function billed(lines: readonly BillLine[], readAtMs = noonMs + 3 * hourMs) {
  const world = createCostWorld()
  world.record(noonMs + hourMs, { amountMicroUsd: 410_000, span: { fromMs: noonMs, toMs: noonMs + hourMs } })
  world.bills.saveRead(endpoint, lines, { fromMs: noonMs - 20 * dayMs, toMs: readAtMs })
  return { ...world, overview: () => world.service.overview('this_month') }
}

describe('the bill beside the runs', () => {
  it('what RunPod billed beyond the runs would be spread over them, or be left out of the total', () => {
    const { overview } = billed([line(noonMs, 460_000)])
    expect(overview()).toMatchObject({ totalMicroUsd: 460_000, runsMicroUsd: 410_000, otherMicroUsd: 50_000 })
    expect(overview().entries.find(({ type }) => type === 'training_compute')).toMatchObject({ amountMicroUsd: 410_000, basis: 'checked' })
    expect(overview().comparisons).toMatchObject([{ billedMicroUsd: 460_000, recordedMicroUsd: 410_000, state: 'more' }])
  })

  it('a bill that lags would make a run look cheaper than it is', () => {
    const { overview } = billed([line(noonMs, 100_000)])
    expect(overview()).toMatchObject({ totalMicroUsd: 410_000, comparisons: [{ state: 'waiting' }] })
    expect(overview().entries).toMatchObject([{ basis: 'computed', amountMicroUsd: 410_000 }])
  })

  it('a day later the bill would still not count where it is lower, or a missing bill would count as nothing', () => {
    expect(billed([line(noonMs, 400_000)], noonMs + 2 * dayMs).overview()).toMatchObject({ totalMicroUsd: 400_000, otherMicroUsd: -10_000 })
    expect(billed([], noonMs + 2 * dayMs).overview()).toMatchObject({ totalMicroUsd: 410_000, comparisons: [{ state: 'missing' }] })
  })

  it('a day whose bill was only asked for in part would look as if too little was billed', () => {
    const world = createCostWorld()
    world.record(noonMs, { amountMicroUsd: 410_000, span: { fromMs: noonMs - hourMs, toMs: noonMs } })
    world.bills.saveRead(endpoint, [line(noonMs, 1_000)], { fromMs: noonMs, toMs: noonMs + 9 * dayMs })
    expect(world.service.overview('this_month')).toMatchObject({ totalMicroUsd: 410_000, comparisons: [] })
  })

  it('lines told twice, again later, or as one day after its hours would be charged twice', () => {
    const { overview, bills } = billed([line(noonMs, 460_000), line(noonMs, 460_000)])
    const asked = { fromMs: noonMs - dayMs, toMs: noonMs + 4 * hourMs }
    bills.saveRead(endpoint, [line(noonMs, 460_000)], asked)
    expect(overview().totalMicroUsd).toBe(460_000)
    bills.saveRead(endpoint, [{ fromMs: noonMs - 12 * hourMs, toMs: noonMs + 12 * hourMs, amountMicroUsd: 480_000 }], asked)
    expect(overview().totalMicroUsd).toBe(480_000)
  })

  it('the storage of a volume would be missing, or be counted as a run', () => {
    const { overview, bills } = billed([])
    const day = { fromMs: noonMs - 12 * hourMs, toMs: noonMs + 12 * hourMs, amountMicroUsd: 230_000 }
    bills.saveRead({ subject: 'volume', remoteId: 'vol1', name: 'Studio' }, [day], day)
    expect(overview()).toMatchObject({ storageMicroUsd: 230_000, runsMicroUsd: 410_000, runs: 1 })
  })

  it('the half hour before midnight in India would be on the bill of the next day, beside the run on this one', () => {
    const world = createCostWorld('Asia/Kolkata')
    const { fromMs: midnightMs } = createCalendar('Asia/Kolkata').dayOf(noonMs)
    const span = { fromMs: midnightMs - 20 * 60_000, toMs: midnightMs - 10 * 60_000 }
    world.record(midnightMs + dayMs, { amountMicroUsd: 90_000, span })
    // Billed in the hour from 23:30 to 0:30, whose middle is in the new day.
    world.bills.saveRead(endpoint, [line(midnightMs - hourMs / 2, 90_000)], { fromMs: noonMs - 20 * dayMs, toMs: noonMs + 5 * dayMs })
    expect(world.service.overview('all')).toMatchObject({ totalMicroUsd: 90_000, otherMicroUsd: 0, comparisons: [{ state: 'agrees' }] })
  })
})

describe('amounts split by time', () => {
  it('the parts would not add up to the whole', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.nat(10 * dayMs), fc.array(fc.nat(11 * dayMs), { maxLength: 6 }), (amount, lengthMs, cuts) => {
        const whole = { fromMs: noonMs, toMs: noonMs + lengthMs }
        const edges = [0, ...cuts.toSorted((a, b) => a - b), 12 * dayMs].map((ms) => noonMs - 1 + ms)
        const parts = edges.slice(1).map((toMs, index) => portionOf(amount, whole, { fromMs: edges[index] ?? 0, toMs }))
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(amount)
        expect(Math.min(...parts)).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('reading the bill', () => {
  function createReading(answer: (span: { fromMs: number; toMs: number }) => readonly BillLine[]) {
    const clock = createVirtualClock()
    const world = createCostWorld()
    const asked: { fromMs: number; toMs: number }[] = []
    let reads = 0
    const source: BillSource = {
      ...endpoint,
      async read(span) {
        asked.push(span)
        return answer(span)
      },
    }
    const open = () =>
      createBillReader({
        repository: world.bills,
        sources: async () => [source],
        clock,
        log: createLog(() => undefined),
        onRead: () => void (reads += 1),
      })
    return { ...world, clock, asked, open, reads: () => reads }
  }

  it('a key without the right would be tried again every few minutes; the button still asks', async () => {
    const reading = createReading(() => {
      throw new AppError('ENDPOINT_REFUSED', 'The API key has no permission for this (billing record).')
    })
    const reader = reading.open()
    reader.start()
    await reading.clock.advance(3 * hourMs)
    expect(reading.asked).toHaveLength(1)
    expect(reading.service.overview('all').checks).toMatchObject([{ readAtMs: null, problem: { code: 'ENDPOINT_REFUSED' } }])
    await reader.readNow()
    expect(reading.asked).toHaveLength(2)
    reader.dispose()
  })

  it('the bill of a run that has just ended would be asked for only hours later', async () => {
    const reading = createReading(() => [])
    const reader = reading.open()
    reader.start()
    await reading.clock.advance(hourMs)
    expect(reading.asked).toHaveLength(1)
    reader.expectMore()
    await reading.clock.advance(hourMs)
    expect(reading.asked.length).toBeGreaterThanOrEqual(4)
    reader.dispose()
    const before = reading.asked.length
    await reading.clock.advance(dayMs)
    expect(reading.asked).toHaveLength(before)
  })

  it('a restart would read from the beginning again, or forget what it had read', async () => {
    const reading = createReading(({ toMs }) => [line(Math.floor(toMs / hourMs) * hourMs - hourMs, 70_000)])
    const first = reading.open()
    await first.readNow()
    first.dispose()
    await reading.clock.advance(dayMs)
    const second = reading.open()
    await second.readNow()
    const [a, b] = reading.asked
    expect((a?.toMs ?? 0) - (a?.fromMs ?? 0)).toBe(35 * dayMs)
    expect((b?.toMs ?? 0) - (b?.fromMs ?? 0)).toBe(4 * dayMs)
    expect(reading.bills.listLines(null, null)).toHaveLength(2)
    expect(reading.reads()).toBe(2)
  })
})

describe('the costs as CSV', () => {
  it('a name would break the table or be carried out as a formula', () => {
    const world = createCostWorld()
    world.record(noonMs, { runName: '=HYPERLINK("x"),\nnext', amountMicroUsd: 1_234_567, endpointName: '@home' })
    const text = costsCsv(world.service.overview('all').entries, createCalendar('UTC'))
    const [head, ...rest] = text.split('\r\n')
    expect(head).toContain('day,type,run_id,name,endpoint,amount_usd,duration_s')
    expect(rest.join('\r\n')).toContain(`"'=HYPERLINK(""x""),\nnext",'@home,1.234567,60,computed`)
    expect(text.startsWith('day')).toBe(true)
    expect(text.endsWith('\r\n')).toBe(true)
  })

  it('a correction below zero would be marked as text', () => {
    const { overview } = billed([line(noonMs, 400_000)], noonMs + 2 * dayMs)
    expect(costsCsv(overview().entries, createCalendar('UTC'))).toContain(',-0.010000,')
  })
})
