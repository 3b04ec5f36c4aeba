import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { DatasetRepository } from '../../../main/features/datasets/repository.ts'
import { createDatasetLab, goodRow, type DatasetLab } from './dataset-lab.ts'

let lab: DatasetLab | undefined
afterEach(() => lab?.close())

const rows = (count: number) => Array.from({ length: count }, (_, index) => goodRow(`Question ${index}`)).join('\n')

describe('when the app dies in the middle', () => {
  it('a torn import becomes an error that says what to do, and its partial copy is removed', async () => {
    lab = createDatasetLab()
    const id = '01890000-0000-7000-8000-000000000001'
    lab.repository.insert({ id, name: 'torn', fileName: 'torn.jsonl', sizeBytes: 10, atMs: 1 })
    mkdirSync(join(lab.datasetsFolder, 'frozen'), { recursive: true })
    writeFileSync(join(lab.datasetsFolder, `${id}.partial`), 'half')
    writeFileSync(join(lab.datasetsFolder, 'frozen', `${id}.partial`), 'half')
    await lab.restart()
    expect(lab.service.get(id)).toMatchObject({
      status: 'error',
      isTrainable: false,
      errorMessage: 'The import was interrupted. Import the file again.',
    })
    expect(existsSync(join(lab.datasetsFolder, `${id}.partial`))).toBe(false)
    expect(readdirSync(join(lab.datasetsFolder, 'frozen'))).toEqual([])
  })

  it('a torn check starts over and ends with exactly one set of rows', async () => {
    // The first session dies after its second batch has been stored.
    let onSecondBatch: (() => void) | undefined
    const secondBatch = new Promise<void>((resolve) => {
      onSecondBatch = resolve
    })
    let batches = 0
    lab = createDatasetLab({
      wrapRepository: (repository): DatasetRepository => ({
        ...repository,
        storeBatch(...input) {
          repository.storeBatch(...input)
          batches += 1
          if (batches === 2) onSecondBatch?.()
        },
      }),
    })
    const { token } = await lab.service.preview(lab.write('big.jsonl', rows(5000)))
    const { id } = await lab.service.importChosen({ token, name: 'big' })
    await secondBatch
    const restarted = lab.restart()
    expect(lab.repository.find(id)?.status).toBe('validating')
    await restarted
    await lab.service.whenSettled(id)
    expect(lab.service.get(id)).toMatchObject({ status: 'ready', stats: { rows: 5000 } })
    expect(lab.repository.listRowPlaces(id, 0, 10_000)).toHaveLength(5000)
    expect((await lab.service.listRows({ id, offset: 4999, limit: 1 })).rows[0]?.line).toBe(5000)
  })

  it('a dataset deleted while it was being checked is checked again after undo', async () => {
    lab = createDatasetLab()
    const { token } = await lab.service.preview(lab.write('big.jsonl', rows(3000)))
    const { id } = await lab.service.importChosen({ token, name: 'big' })
    await lab.service.delete(id)
    expect(lab.service.list({ search: '', status: null, sort: 'newest' })).toEqual([])
    const undone = lab.service.undoDelete(id)
    await lab.service.whenSettled(id)
    // Deleted before or after the copy was complete: the outcome says which, and never hangs.
    const settled = lab.service.get(id)
    expect([undone.status, settled.status]).toEqual(undone.status === 'error' ? ['error', 'error'] : ['validating', 'ready'])
  })

  it('a worker thread that dies is an error with a next step, not a dataset that hangs', async () => {
    lab = createDatasetLab({
      wrapValidator: (validator) => ({ ...validator, validate: () => Promise.reject(new Error('thread died')) }),
    })
    const dataset = await lab.import('a.jsonl', goodRow('a'))
    expect(dataset).toMatchObject({ status: 'error', isTrainable: false, errorMessage: expect.stringContaining('Choose "Check again"') })
  })
})
