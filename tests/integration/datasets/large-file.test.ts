import { afterEach, describe, expect, it } from 'vitest'
import { maxBatchErrors, maxBatchRows, numbersPerRow } from '../../../main/features/datasets/worker-protocol.ts'
import { createDatasetLab, goodRow, type DatasetLab } from './dataset-lab.ts'

let lab: DatasetLab | undefined
afterEach(() => lab?.close())

describe('a file of 50,000 rows', () => {
  it('is written in small portions with the event loop free between any two of them', async () => {
    let turn = 0
    const turns: number[] = []
    let largestRows = 0
    let largestErrors = 0
    lab = createDatasetLab({
      wrapRepository: (repository) => ({
        ...repository,
        storeBatch(id, firstRow, batch) {
          turns.push(turn)
          largestRows = Math.max(largestRows, batch.rows.length / numbersPerRow)
          largestErrors = Math.max(largestErrors, batch.errors.length)
          repository.storeBatch(id, firstRow, batch)
        },
      }),
    })
    let isCounting = true
    const count = () => {
      turn += 1
      if (isCounting) setImmediate(count)
    }
    count()
    const lines = Array.from({ length: 50_000 }, (_, index) =>
      index % 10 === 9 ? '{"messages":[]}' : goodRow(`Question ${index % 40_000}`),
    )
    const dataset = await lab.import('big.jsonl', lines.join('\n'))
    isCounting = false

    expect(dataset.stats).toMatchObject({ rows: 50_000, validRows: 45_000, errorRows: 5000, errors: 5000, duplicateRows: 9000 })
    expect(largestRows).toBeLessThanOrEqual(maxBatchRows)
    expect(largestErrors).toBeLessThanOrEqual(maxBatchErrors)
    // No two portions in the same turn: the window was served in between.
    expect(new Set(turns).size).toBe(turns.length)
    expect(turns.length).toBeGreaterThanOrEqual(45_000 / maxBatchRows)
    const errors = lab.service.listErrors({ id: dataset.id, offset: 990, limit: 500 })
    expect(errors).toMatchObject({ total: 1000, byCode: [{ code: 'MESSAGES_EMPTY', count: 5000 }] })
    expect(errors.errors.at(-1)?.line).toBe(10_000)
    const last = await lab.service.listRows({ id: dataset.id, offset: 44_999, limit: 10 })
    expect(last.rows.map(({ line }) => line)).toEqual([49_999])
  })
})
