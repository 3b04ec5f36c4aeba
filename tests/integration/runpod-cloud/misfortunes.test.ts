import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FaultRule } from '../../support/runpod-cloud/faults.ts'
import { openCloudLab } from './cloud-lab.ts'

const point = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom('start', 'saving', 'adapter', 'result'))
const misfortune = fc.oneof(
  point.map((at): FaultRule => ({ operation: 'job.train', effect: { kind: 'kill', at: at as number | 'start' } })),
  fc.constantFrom<FaultRule>(
    { operation: 'job.train', effect: { kind: 'twice' } },
    { operation: 'job.train', effect: { kind: 'no_output' } },
    { operation: 'job.train', effect: { kind: 'progress_race' } },
  ),
)

describe('any series of misfortunes', { timeout: 120_000 }, () => {
  it('ends with one intact adapter, no step done by two workers at once, and a bill that adds up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(misfortune, { maxLength: 4 }), fc.boolean(), async (rules, restarts) => {
        let lab = await openCloudLab({ endpoint: { max: 2 } })
        try {
          for (const rule of rules) await lab.control.addFault(rule)
          const input = lab.trainInput()
          await lab.train(input)
          if (restarts) lab = await lab.restart()
          // Each post is the app's answer to a job that has ended without a result.
          for (let posts = 0; posts < 5 && lab.result(input.run_id) === null; posts += 1) await lab.train(input)
          expect(lab.result(input.run_id)).toMatchObject({ status: 'completed', steps_done: 20 })
          const truth = await lab.control.truth({})
          const run = truth.runs[input.run_id]
          expect(run?.adapters).toEqual([expect.objectContaining({ status: 'completed', isIntact: true })])
          expect(run?.steps).toMatchObject({ distinct: 20, mostWorkersAtOnce: 1, completions: 1 })
          expect(run?.billedMicroUsd).toBeLessThanOrEqual(truth.billedMicroUsd)
        } finally {
          await lab.close()
        }
      }),
      { seed: 20_261_123, numRuns: 40 },
    )
  })
})
