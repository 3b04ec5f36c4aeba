import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createState } from '../../../../main/features/runs/machine.ts'
import { capOf, costSoFar, startUpMs } from '../../../../main/features/runs/money.ts'
import { liveCost, meterText } from '../../../../renderer/lib/live-cost.ts'
import { runFacts } from '../../../support/runs/run-facts.ts'
import { runConfig } from '../../../support/runs/run-world.ts'
import { createRun } from './fixtures.ts'

const startedAtMs = 1_800_000_000_000
const meter = { priceMicroUsdPerHour: 3_600_000, startUpMs: 10_000, capMicroUsd: 3_000_000, isRunning: true }
const paid = createRun({ endpointKind: 'runpod', meter, startedAtMs, lastSeenAtMs: startedAtMs + 400_000, costMicroUsd: 0 })

describe('the live meter', () => {
  it('would show other money than is recorded when the run ends', () => {
    fc.assert(
      fc.property(fc.nat(12 * 3_600_000), fc.nat(90_000), fc.nat(20_000_000), (ms, queuedMs, price) => {
        const facts = { ...runFacts, endpointKind: 'runpod' as const, priceMicroUsdPerHour: price }
        const created = createState({ type: 'created', facts }, startedAtMs).state
        const state = { ...created, startedAtMs, submittedAtMs: startedAtMs - queuedMs }
        const capMicroUsd = capOf(state, runConfig())
        const run = {
          ...paid,
          lastSeenAtMs: startedAtMs + ms,
          meter: { ...meter, capMicroUsd, priceMicroUsdPerHour: price, startUpMs: startUpMs(state) },
        }
        expect(liveCost(run, startedAtMs + ms)).toBe(costSoFar(state, startedAtMs + ms))
      }),
    )
  })

  it('would go on counting without contact, or after the job is over', () => {
    const laterMs = startedAtMs + 3_600_000
    const seen = { ...paid, lastSeenAtMs: laterMs }
    expect(liveCost(seen, laterMs)).toBe(3_610_000)
    expect(liveCost({ ...seen, contactLost: 'No answer', costMicroUsd: 410_000 }, laterMs)).toBe(410_000)
    // The app was closed for an hour and has not looked yet.
    expect(liveCost({ ...paid, costMicroUsd: 410_000 }, laterMs)).toBe(410_000)
    expect(liveCost({ ...seen, meter: { ...meter, isRunning: false }, costMicroUsd: 410_000 }, laterMs)).toBe(410_000)
  })

  it('would make up a number where the price is not known', () => {
    const unknown = { ...paid, meter: { ...meter, priceMicroUsdPerHour: null }, costMicroUsd: null }
    expect(meterText([unknown], startedAtMs + 1)).toBe('–/$3.00')
    expect(meterText([paid, unknown], startedAtMs + 400_000)).toBe('–/$6.00')
  })

  it('would show one of several runs as all of them, or this computer as charged', () => {
    const local = createRun()
    expect(meterText([paid, local], startedAtMs + 400_000)).toBe('$0.41/$3.00')
    expect(meterText([paid, paid], startedAtMs + 400_000)).toBe('$0.82/$6.00')
    expect(meterText([paid, { ...paid, meter: { ...meter, capMicroUsd: null } }], startedAtMs + 400_000)).toBe('$0.82')
    expect(meterText([local], startedAtMs)).toBeNull()
  })
})
