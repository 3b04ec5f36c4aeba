import { describe, expect, it } from 'vitest'
import { playKills } from '../../faults/kills.ts'
import { play } from '../../faults/play.ts'
import { realTrainings } from '../../faults/real-training.ts'
import { queueScenarios } from '../../faults/queue.ts'
import { pairsOf, scenarios } from '../../faults/scenarios.ts'

const clean = { adaptersLost: 0, duplicateTrainings: 0, overBudget: 0, wrongStates: 0, notes: [] }
/** One reply fault of each phase and everything that happens to jobs, workers and the app; all of them: npm run test:faults. */
const chosen = [
  ...scenarios.filter(({ name }) => !name.includes(': ') || /broken off after|a web page/.test(name)),
  ...pairsOf(20261123, 3),
  ...realTrainings.filter(({ name }) => /replaced/.test(name)),
]

describe('a run on RunPod where things go wrong', () => {
  it.each(chosen.map((scenario) => [scenario.name, scenario] as const))(
    'would lose its adapter, train twice, cost too much or end wrongly: %s',
    async (_, scenario) => {
      expect(await play(scenario)).toMatchObject(clean)
    },
    120_000,
  )

  it('would lose its adapter or train twice when the app is killed', async () => {
    expect(await playKills(6, 20261123)).toMatchObject(clean)
  }, 240_000)

  it.each(Object.keys(queueScenarios))(
    'would lose, repeat or overspend on a run of the queue: %s',
    async (name) => {
      expect(await queueScenarios[name]?.(20261123)).toMatchObject(clean)
    },
    120_000,
  )
})
