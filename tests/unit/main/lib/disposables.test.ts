import { describe, expect, it } from 'vitest'
import { createDisposables } from '../../../../main/lib/disposables.ts'

describe('disposables', () => {
  it('shuts down in reverse order, once, and one failure does not keep the rest open', async () => {
    const closed: string[] = []
    const errors: unknown[] = []
    const disposables = createDisposables((error) => void errors.push(error))
    disposables.add(() => void closed.push('database'))
    disposables.add(() => {
      throw new Error('stuck')
    })
    disposables.add(async () => void closed.push('worker'))
    await disposables.disposeAll()
    await disposables.disposeAll()
    expect(closed).toEqual(['worker', 'database'])
    expect(errors).toEqual([new Error('stuck')])
  })
})
