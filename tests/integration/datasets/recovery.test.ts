import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { datasetEvents } from '../../../preload/contract/dataset-routes.ts'
import { rowFilterSchema } from '../../../preload/contract/datasets.ts'
import { createDatasetLab, goodRow, readFixture, type DatasetLab } from './dataset-lab.ts'

let lab: DatasetLab | undefined
afterEach(() => lab?.close())

const rows = (count: number) => Array.from({ length: count }, (_, index) => goodRow(`Question ${index}`)).join('\n')

describe('when the app dies in the middle', () => {
  it('a torn import becomes an error that says what to do, and its partial copy is removed', async () => {
    lab = createDatasetLab()
    const id = '01890000-0000-7000-8000-000000000001'
    lab.repository.insert({ id, name: 'torn', fileName: 'torn.jsonl', sizeBytes: 10, mapping: null, atMs: 1 })
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

  it('a check that is cut off goes on in the next session and ends with every row once', async () => {
    lab = createDatasetLab()
    const { token } = await lab.service.preview(lab.write('big.jsonl', rows(20_000)))
    const { id } = await lab.service.importChosen({ tokens: [token], name: 'big', mapping: null })
    await lab.seen((event) => event.name === 'datasets.progressed' && hasCheckBegun(event.payload))
    const restarted = lab.restart()
    await restarted
    await lab.service.whenSettled(id)
    expect(lab.service.get(id)).toMatchObject({ status: 'ready', stats: { rows: 20_000, validRows: 20_000 } })
    const last = await lab.service.listRows({
      id,
      filter: rowFilterSchema.parse({}),
      sort: { by: 'line', descending: true },
      offset: 0,
      limit: 1,
    })
    expect(last).toMatchObject({ total: 20_000, rows: [{ line: 20_000 }] })
  })

  it('an engine killed with -9 in the middle is started again and the report is the same', async () => {
    lab = createDatasetLab()
    const content = [rows(20_000), readFixture('messages-with-faults.jsonl').toString('utf8')].join('\n')
    const calm = await lab.import('calm.jsonl', content)
    const { token } = await lab.service.preview(lab.write('torn.jsonl', content))
    const { id } = await lab.service.importChosen({ tokens: [token], name: 'torn', mapping: null })
    lab.events.length = 0
    await lab.seen((event) => event.name === 'datasets.progressed' && hasCheckBegun(event.payload))
    lab.engines.at(-1)?.kill('SIGKILL')
    await lab.service.whenSettled(id)
    expect(lab.engines.length).toBe(2)
    expect(lab.service.get(id).stats).toEqual(calm.stats)
    expect(await lab.service.listIssues(id)).toEqual(await lab.service.listIssues(calm.id))
  })

  it('a dataset deleted while it was being checked is checked again after undo', async () => {
    lab = createDatasetLab()
    const { token } = await lab.service.preview(lab.write('big.jsonl', rows(3000)))
    const { id } = await lab.service.importChosen({ tokens: [token], name: 'big', mapping: null })
    await lab.service.delete(id)
    expect(lab.service.list({ search: '', status: null, sort: 'newest' })).toEqual([])
    const undone = lab.service.undoDelete(id)
    await lab.service.whenSettled(id)
    // Deleted before or after the copy was complete: the outcome says which, and never hangs.
    const settled = lab.service.get(id)
    expect([undone.status, settled.status]).toEqual(undone.status === 'error' ? ['error', 'error'] : ['validating', 'ready'])
  })

  it('a check that fails for an unknown reason is an error with a next step, not a dataset that hangs', async () => {
    lab = createDatasetLab()
    const { token } = await lab.service.preview(lab.write('a.jsonl', goodRow('a')))
    const { id } = await lab.service.importChosen({ tokens: [token], name: 'a', mapping: null })
    await lab.service.whenSettled(id)
    rmSync(join(lab.datasetsFolder, 'index'), { recursive: true })
    writeFileSync(join(lab.datasetsFolder, 'index'), 'a file where the folder should be')
    lab.service.validateAgain(id)
    await lab.service.whenSettled(id)
    expect(lab.service.get(id)).toMatchObject({
      status: 'error',
      isTrainable: false,
      errorMessage: expect.stringContaining('Choose "Check again"'),
    })
  })
})

function hasCheckBegun(payload: unknown): boolean {
  const { tasks } = datasetEvents['datasets.progressed'].parse(payload)
  return tasks.some(({ kind }) => kind === 'check')
}
