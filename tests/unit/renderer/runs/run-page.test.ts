import { describe, expect, it } from 'vitest'
import { buildStageStrip } from '../../../../renderer/features/runs/stage-strip.ts'
import { createRun } from './fixtures.ts'

const states = (run: Parameters<typeof buildStageStrip>[0]) =>
  buildStageStrip(run)
    .map((step) => step.state)
    .join(' ')

describe('stage strip', () => {
  it('shows exactly one step in hand while a run works, with the progress of training only', () => {
    expect(states(createRun())).toBe('done done done done now todo todo')
    expect(buildStageStrip(createRun()).find((step) => step.id === 'train')?.progress).toBeCloseTo(12 / 34)
    expect(buildStageStrip(createRun({ stage: 'loading_model' })).find((step) => step.id === 'load')?.progress).toBeNull()
  })

  it('marks where a failed run ended, although its stage only says "ended"', () => {
    const failed = { status: 'failed', stage: 'ended', endedAtMs: 1 } as const
    expect(states(createRun(failed))).toBe('done done done done failed todo todo')
    const head = { ...createRun().head, step: 0, evalLossBase: null }
    expect(states(createRun({ ...failed, plan: null, head }))).toBe('done done failed todo todo todo todo')
    expect(states(createRun({ ...failed, plan: null, head, startedAtMs: null, jobId: null }))).toBe('failed todo todo todo todo todo todo')
  })

  it('marks training as failed when a diverged run kept its best adapter, not the copying of it', () => {
    const diverged = createRun({ status: 'failed', stage: 'ended', endedAtMs: 1, adapterId: createRun().id })
    expect(states(diverged)).toBe('done done done done failed todo todo')
  })

  it('never shows a completed run with a step left to do', () => {
    expect(states(createRun({ status: 'completed', stage: 'ended', adapterId: createRun().id }))).toBe('done done done done done done done')
  })

  it('says that training was stopped when an adapter was kept, and that nothing followed when it was not', () => {
    const ended = { status: 'cancelled', stage: 'ended' } as const
    expect(states(createRun({ ...ended, stopRequested: 'keep', adapterId: createRun().id }))).toBe('done done done done stopped done done')
    expect(states(createRun({ ...ended, stopRequested: 'discard' }))).toBe('done done done done stopped todo todo')
  })
})
