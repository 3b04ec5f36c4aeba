import { expect, it } from 'vitest'
import { rowFilterSchema } from '../../../../../preload/contract/datasets.ts'
import { makeRowColumns, makeTokenColumns } from '../../../../../main/features/datasets/engine/columns.ts'
import { filterRows, type FilterNumbers, type RowTable } from '../../../../../main/features/datasets/engine/view/filter-rows.ts'
import { sumTokens } from '../../../../../main/features/datasets/engine/view/stats.ts'

const nothing: FilterNumbers = {
  ruleNumbers: new Map(),
  flagNumbers: new Map(),
  scriptNumbers: new Map(),
  severityMasks: { error: { low: 0, high: 0 }, warning: { low: 0, high: 0 }, info: { low: 0, high: 0 } },
}

it('would leave out another row than those it has counted, or one that was dropped before', () => {
  const tokens = { ...makeTokenColumns(4), total: Uint32Array.of(9, 8, 7, 6), trained: Uint32Array.of(5, 0, 1, 0) }
  const dropped = Uint8Array.of(0, 0, 0, 1)
  const columns = { ...makeRowColumns(4), rows: 4 }
  const table: RowTable = { columns, tokens, scan: null, dropped, edited: new Uint8Array(4), split: null }
  expect(sumTokens(tokens, (row) => dropped[row] === 0)).toMatchObject({ rows: 3, untrainedRows: 1 })
  const filter = rowFilterSchema.parse({ state: 'usable', trainedTo: 0 })
  expect([...filterRows(table, filter, nothing, null)]).toEqual([1])
  expect([...filterRows({ ...table, tokens: null }, filter, nothing, null)]).toEqual([])
})
