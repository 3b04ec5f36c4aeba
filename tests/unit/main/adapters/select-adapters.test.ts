import { describe, expect, it } from 'vitest'
import type { Adapter } from '../../../../preload/contract/adapters.ts'
import { selectAdapters } from '../../../../main/features/adapters/select-adapters.ts'

function adapter(id: string, stars: number | null, createdAtMs: number, changes: Partial<Adapter> = {}): Adapter {
  return {
    id,
    name: `Adapter ${id}`,
    baseModelId: 'org/base',
    datasetName: 'Support answers',
    createdAtMs,
    health: { stars, summary: '', reasons: [] },
    ...changes,
  } as Adapter
}

const all = [
  adapter('a', null, 1),
  adapter('b', 2, 2),
  adapter('c', 5, 3, { name: 'Adapter 10' }),
  adapter('d', 5, 4, { name: 'Adapter 9', datasetName: 'Legal' }),
]
const ids = (query: Parameters<typeof selectAdapters>[1]) => selectAdapters(all, query).map(({ id }) => id)

describe('the list of adapters', () => {
  it('by health: the best first, the newer of two equals first, the unrated last', () => {
    expect(ids({ search: '', sort: 'health' })).toEqual(['d', 'c', 'b', 'a'])
  })

  it('by name: 9 comes before 10', () => {
    expect(ids({ search: 'adapter', sort: 'name' })).toEqual(['d', 'c', 'a', 'b'])
  })

  it('newest first, searched in name, model and dataset without regard to case or spaces around', () => {
    expect(ids({ search: '', sort: 'newest' })).toEqual(['d', 'c', 'b', 'a'])
    expect(ids({ search: ' LEGAL ', sort: 'newest' })).toEqual(['d'])
    expect(ids({ search: 'org/BASE', sort: 'newest' })).toHaveLength(4)
    expect(ids({ search: 'nothing like it', sort: 'newest' })).toEqual([])
  })
})
