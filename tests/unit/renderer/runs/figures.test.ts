import { describe, expect, it } from 'vitest'
import type { Estimate } from '../../../../preload/contract/runs.ts'
import { buildPlanLines, startLabel } from '../../../../renderer/features/runs/plan-lines.ts'
import { buildRunTiles } from '../../../../renderer/features/runs/run-tiles.ts'
import { createRun } from './fixtures.ts'

const estimate: Estimate = {
  rows: 270,
  rowsEval: 30,
  tokens: { low: 186_000, high: 226_000 },
  steps: 340,
  stepsPerEpoch: 170,
  durationMs: { low: 640_000, high: 980_000 },
  costMicroUsd: { low: 1_600_000, high: 2_100_000 },
  basis: [{ figure: 'time', text: 'Measured in earlier runs.' }],
  warnings: [],
}
const line = (changes: Partial<Estimate>, id: string) => buildPlanLines({ ...estimate, ...changes }).find((entry) => entry.id === id)

describe('plan', () => {
  it('shows a figure that was not computed as a dash, never as zero', () => {
    expect(line({ durationMs: null }, 'time')?.value).toBe('–')
    expect(line({ costMicroUsd: null }, 'cost')?.value).toBe('–')
    expect(startLabel({ ...estimate, costMicroUsd: null })).toBe('Start run, cost unknown')
  })

  it('writes ranges without digits an estimate cannot have, and wide enough to hold the bounds', () => {
    expect(line({}, 'time')?.value).toBe('10–17 min')
    expect(line({ durationMs: { low: 31_400, high: 88_200 } }, 'time')?.value).toBe('31–89 s')
    expect(line({ durationMs: { low: 5_000_000, high: 9_000_000 } }, 'time')?.value).toBe('1.3–2.5 h')
    expect(line({}, 'cost')?.value).toBe('$1.60–2.10')
    expect(line({}, 'tokens')).toMatchObject({ value: '186,000–226,000', isEstimate: true })
  })

  it('names what time and cost rest on, and nothing in particular where that was not told', () => {
    const pace = { basis: 'table', sentence: 'The shipped table for the H100.' } as const
    expect([line({ pace }, 'time')?.tag, line({ pace }, 'cost')?.tag, line({ pace }, 'tokens')?.tag]).toEqual([
      'from table',
      'from table',
      'estimate',
    ])
    expect(line({}, 'time')?.tag).toBe('estimate')
  })

  it('says on the button what starting costs', () => {
    expect(startLabel(estimate)).toBe('Start run, about $1.60–2.10')
    expect(startLabel({ ...estimate, costMicroUsd: { low: 0, high: 0 } })).toBe('Start run, no charge')
    expect(startLabel(null)).toBe('Start run')
  })

  it('warns that a run without held-out rows cannot be rated', () => {
    expect(line({ rowsEval: 0 }, 'rows')?.basis).toContain('cannot be rated')
  })
})

const value = (run: Parameters<typeof buildRunTiles>[0], id: string) => buildRunTiles(run, 1_700_000_065_000).find((tile) => tile.id === id)

describe('tiles of a run', () => {
  it('shows nothing the worker has not reported', () => {
    const head = {
      ...createRun().head,
      loss: null,
      evalLoss: null,
      evalLossBase: null,
      learningRate: null,
      tokensPerSecond: null,
      memoryBytes: null,
      stepMs: null,
    }
    const run = createRun({ head, etaMs: null, startedAtMs: null, endpointKind: 'runpod', costMicroUsd: null })
    expect(buildRunTiles(run, 0).map((tile) => tile.value)).toEqual(Array.from({ length: 8 }, () => '–'))
  })

  it('stops the clock when the run has ended', () => {
    expect(value(createRun(), 'elapsed')).toMatchObject({ label: 'Elapsed', value: '1 min' })
    expect(value(createRun({ endedAtMs: 1_700_000_035_000 }), 'elapsed')).toMatchObject({ label: 'Took', value: '30 s' })
    expect(value(createRun({ endedAtMs: 1_700_000_035_000, etaMs: 46_000 }), 'left')?.value).toBe('–')
  })

  it('sets the memory planned beside the memory used, and the highest use beside it once the run has ended', () => {
    const memoryPlan = {
      weightsBytes: 1,
      adapterBytes: 1,
      optimizerBytes: 1,
      activationsBytes: 1,
      totalBytes: 1_600_000_000,
      availableBytes: null,
      quantization: 'none' as const,
    }
    const run = createRun()
    const plan = run.plan === null ? null : { ...run.plan, device: 'cuda' }
    expect(value(createRun({ memoryPlan, plan }), 'device')).toMatchObject({ value: '1.8 GB', note: '1.6 GB planned' })
    expect(value(createRun({ memoryPlan, plan, endedAtMs: 1 }), 'device')).toMatchObject({
      value: '1.9 GB',
      note: 'at most, 1.6 GB planned',
    })
    // On a CPU the measured figure is of the whole process: beside the plan it would say that the plan was wrong.
    expect(value(createRun({ memoryPlan, endedAtMs: 1 }), 'device')?.note).toBe('at most, the whole process')
    expect(value(createRun(), 'device')?.note).toBe('cpu')
  })

  it('compares the held-out loss with the base model in the right direction', () => {
    expect(value(createRun(), 'held-out')?.note?.replaceAll('\u00a0', ' ')).toBe('base 3.000, 33 % lower')
    const worse = { ...createRun().head, evalLoss: 3.3 }
    expect(value(createRun({ head: worse }), 'held-out')?.note?.replaceAll('\u00a0', ' ')).toBe('base 3.000, 10 % higher')
  })
})
