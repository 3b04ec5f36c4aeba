import { describe, expect, it } from 'vitest'
import { leavingText } from '../../../../main/features/runs/leaving.ts'
import { createState } from '../../../../main/features/runs/machine.ts'
import type { Phase } from '../../../../main/features/runs/state.ts'
import { runFacts } from '../../../support/runs/run-facts.ts'
import { runConfig } from '../../../support/runs/run-world.ts'

function textOf(endpointKind: 'local' | 'runpod', phase: Phase, budgetMicroUsd: number | null = null, price: number | null = 4_180_000) {
  const facts = { ...runFacts, endpointKind, priceMicroUsdPerHour: endpointKind === 'local' ? null : price }
  const { state } = createState({ type: 'created', facts }, 0)
  return leavingText({ name: 'letters', state: { ...state, phase }, config: { ...runConfig(), budgetMicroUsd } })
}

describe('what is said before the app is closed', () => {
  it.each(['following', 'reconciling', 'submitting', 'reading_result'] as const)(
    'would not tell that a run at RunPod goes on and what it may cost: %s',
    (phase) => {
      expect(textOf('runpod', phase, 2_500_000)).toContain('goes on at RunPod without this app. It costs $2.50 in all at most')
      // Twelve hours and a quarter at $4.18.
      expect(textOf('runpod', phase)).toMatch(/costs \$51\.\d\d in all at most/)
    },
  )

  it('would name a sum where no price is known', () => {
    expect(textOf('runpod', 'following', null, null)).toContain('Its price is not known here')
    expect(textOf('runpod', 'following', null, null)).not.toContain('$')
  })

  it('would promise that the queue goes on without the app, or name a cost for what has not begun', () => {
    expect(textOf('runpod', 'waiting', 2_500_000)).toContain('starts nothing while the app is closed')
    expect(textOf('runpod', 'waiting', 2_500_000)).not.toContain('$')
  })

  it('would speak of money where nothing is charged any more, or ever', () => {
    expect(textOf('runpod', 'collecting')).toContain('nothing more is charged')
    for (const phase of ['freezing', 'following', 'collecting'] as const) expect(textOf('local', phase)).not.toMatch(/\$|charged/)
    expect(textOf('local', 'following')).toContain('goes on from there at the next start')
  })
})
