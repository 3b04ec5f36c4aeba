import { describe, expect, it } from 'vitest'
import { createLimiter } from '../../../../main/features/datasets/limiter.ts'

describe('limiter', () => {
  it('never runs more than its number, keeps the order, and survives a failing job', async () => {
    const limit = createLimiter(2)
    const started: number[] = []
    const opened: (() => void)[] = []
    const gates = [0, 1, 2, 3].map(() => new Promise<void>((resolve) => void opened.push(resolve)))
    let running = 0
    let most = 0
    const jobs = gates.map((gate, index) =>
      limit(async () => {
        started.push(index)
        running += 1
        most = Math.max(most, running)
        await gate
        running -= 1
        if (index === 0) throw new Error('failed')
        return index
      }).catch((error: unknown) => (error instanceof Error ? error.message : 'unknown')),
    )
    expect(started).toEqual([0, 1])
    for (const open of opened) open()
    expect(await Promise.all(jobs)).toEqual(['failed', 1, 2, 3])
    expect(started).toEqual([0, 1, 2, 3])
    expect(most).toBe(2)
  })
})
