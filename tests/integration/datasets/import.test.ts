import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { datasetSchema, rowFilterSchema } from '../../../preload/contract/datasets.ts'
import { createDatasetHandlers } from '../../../main/features/datasets/handlers.ts'
import { createDatasetLab, goodRow, readFixture, type DatasetLab } from './dataset-lab.ts'

let lab: DatasetLab
beforeEach(() => {
  lab = createDatasetLab()
})
afterEach(() => lab.close())

const context = (droppedPath: string | null) => ({ windowId: 1, droppedPath })
const page = { offset: 0, limit: 50 }
const everything = {
  filter: rowFilterSchema.parse({}),
  sort: { by: 'line', descending: false } as const,
  ...page,
}

describe('importing a file', () => {
  it('copies it under its hash, checks it in the engine, tells the windows and notifies once', async () => {
    const content = readFixture('messages.jsonl')
    const dataset = await lab.import('library.jsonl', content)
    expect(datasetSchema.parse(dataset)).toMatchObject({
      status: 'ready',
      isTrainable: true,
      progress: 1,
      shape: 'messages',
      sizeBytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
      stats: { rows: 8, validRows: 8, errors: 0 },
    })
    expect(readFileSync(join(lab.datasetsFolder, `${dataset.sha256}.jsonl`))).toEqual(content)
    expect(lab.notices.map(({ type, target, dedupeKey }) => ({ type, target, dedupeKey }))).toEqual([
      { type: 'dataset_ready', target: { page: 'datasets', id: dataset.id }, dedupeKey: `dataset_ready:${dataset.id}` },
    ])
    const statuses = lab.events.filter(({ name }) => name === 'datasets.progressed').map(({ payload }) => payload)
    expect(statuses).toContainEqual(expect.objectContaining({ id: dataset.id, status: 'ready', progress: 1 }))
    expect(statuses[0]).toMatchObject({ status: 'importing' })
  })

  it('is "importing" at once and answers before the copy is made', async () => {
    const { token } = await lab.service.preview(lab.write('a.jsonl', goodRow('a')))
    const dataset = await lab.service.importChosen({ tokens: [token], name: 'a', mapping: null })
    expect(dataset).toMatchObject({ status: 'importing', progress: 0, isTrainable: false, sha256: null, stats: null })
    await lab.service.whenSettled(dataset.id)
    expect(lab.service.get(dataset.id).status).toBe('ready')
  })

  it('keeps usable rows when some are bad, and the user decides', async () => {
    const dataset = await lab.import('faults.jsonl', readFixture('messages-with-faults.jsonl'))
    expect(dataset).toMatchObject({ status: 'error', isTrainable: false, stats: { validRows: 4, errorRows: 8 } })
    expect(dataset.errorMessage).toContain('Use the 4 usable rows only')
    expect(lab.notices).toEqual([])
    await expect(lab.service.freeze(dataset.id)).rejects.toMatchObject({ code: 'DATASET_NOT_READY' })
    expect(lab.service.acceptValidRows({ id: dataset.id, accept: true })).toMatchObject({
      status: 'ready',
      isTrainable: true,
      errorMessage: null,
    })
    expect((await lab.service.freeze(dataset.id)).rows).toBe(4)
    expect(lab.service.acceptValidRows({ id: dataset.id, accept: false })).toMatchObject({ status: 'error', isTrainable: false })
  })

  it('lists the faults by rule, with the true line and pointer of each', async () => {
    const { id } = await lab.import('faults.jsonl', readFixture('messages-with-faults.jsonl'))
    const groups = await lab.service.listIssues(id)
    const errors = groups.filter(({ severity }) => severity === 'error')
    const lines = await Promise.all(
      errors.map(async ({ rule }) => (await lab.service.listIssueExamples({ id, rule, ...page })).examples.map(({ line }) => line)),
    )
    expect([...new Set(lines.flat())].toSorted((a, b) => a - b)).toEqual([3, 4, 5, 7, 8, 10, 11, 12])
    expect(groups.every(({ rows, count }) => rows > 0 && count >= rows)).toBe(true)
  })

  it('reads rows from their bytes, with true lines, past BOM, CRLF, blank and bad lines', async () => {
    const content = `\ufeff${goodRow('één 🌱')}\r\n\r\n{bad}\r\n${goodRow('two')}\r\n   \r\n${goodRow('three')}`
    const { id } = await lab.import('mixed.jsonl', content)
    const { total, rows } = await lab.service.listRows({ id, ...everything, filter: { ...everything.filter, state: 'usable' } })
    expect(total).toBe(3)
    expect(rows.map(({ line, first }) => [line, first])).toEqual([
      [1, 'één 🌱'],
      [4, 'two'],
      [6, 'three'],
    ])
    expect((await lab.service.listRows({ id, ...everything, offset: 1, limit: 1 })).rows.map(({ line }) => line)).toEqual([3])
    expect((await lab.service.listRows({ id, ...everything, offset: 9, limit: 1 })).rows).toEqual([])
  })

  it('notices that the stored copy was tampered with, when reading and when checking again', async () => {
    const dataset = await lab.import('a.jsonl', `${goodRow('a')}\n${goodRow('b')}\n`)
    await lab.restart()
    appendFileSync(join(lab.datasetsFolder, `${dataset.sha256}.jsonl`), 'x')
    await expect(lab.service.freeze(dataset.id)).rejects.toMatchObject({ code: 'DATASET_FILE_UNREADABLE' })
    expect(lab.service.validateAgain(dataset.id).status).toBe('validating')
    await lab.service.whenSettled(dataset.id)
    expect(lab.service.get(dataset.id)).toMatchObject({ status: 'error', errorMessage: expect.stringContaining('was changed on the disk') })
  })

  it('checking again replaces the old findings instead of adding to them', async () => {
    const { id } = await lab.import('faults.jsonl', readFixture('messages-with-faults.jsonl'))
    const before = await lab.service.listIssues(id)
    lab.service.validateAgain(id)
    expect(lab.service.validateAgain(id).status).toBe('validating')
    await lab.service.whenSettled(id)
    expect(await lab.service.listIssues(id)).toEqual(before)
    expect((await lab.service.listRows({ id, ...everything })).total).toBe(12)
  })

  it('names a source that vanished, and leaves no half copy behind', async () => {
    const path = lab.write('gone.jsonl', goodRow('a'))
    const { token } = await lab.service.preview(path)
    const dataset = await lab.service.importChosen({ tokens: [token], name: 'gone', mapping: null })
    rmSync(path)
    await lab.service.whenSettled(dataset.id)
    expect(lab.service.get(dataset.id)).toMatchObject({ status: 'error', errorMessage: expect.stringContaining('was not found') })
    expect(readdirSync(lab.datasetsFolder)).toEqual(['index'])
    expect(() => lab.service.validateAgain(dataset.id)).toThrow(expect.objectContaining({ code: 'DATASET_NOT_READY' }))
  })
})

describe('choosing a file', () => {
  it('never gives the window a path, and takes each token once', async () => {
    const handlers = createDatasetHandlers({ service: lab.service, pickFiles: () => Promise.resolve([]) })
    const path = lab.write('secret-name.jsonl', goodRow('a'))
    const preview = await handlers['datasets.previewDrop']({}, context(path))
    expect(JSON.stringify(preview)).not.toContain(lab.folder)
    expect(preview).toMatchObject({ fileName: 'secret-name.jsonl', shape: 'messages', problem: null, existingDatasetId: null })
    const dataset = await handlers['datasets.import']({ tokens: [preview.token], name: 'a', mapping: null }, context(null))
    await lab.service.whenSettled(dataset.id)
    await expect(handlers['datasets.import']({ tokens: [preview.token], name: 'a', mapping: null }, context(null))).rejects.toMatchObject({
      code: 'DATASET_FILE_UNREADABLE',
    })
    expect((await handlers['datasets.previewDrop']({}, context(path))).existingDatasetId).toBe(dataset.id)
    expect(await handlers['datasets.pickFiles']({}, context(null))).toEqual([])
    expect(() => handlers['datasets.previewDrop']({}, context(null))).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  it('refuses a folder, a missing file, and one that changed after it was looked at', async () => {
    await expect(lab.service.preview(lab.folder)).rejects.toMatchObject({ code: 'DATASET_FILE_UNREADABLE' })
    await expect(lab.service.preview(join(lab.folder, 'none'))).rejects.toMatchObject({ code: 'DATASET_FILE_UNREADABLE' })
    const path = lab.write('a.jsonl', goodRow('a'))
    const { token } = await lab.service.preview(path)
    appendFileSync(path, '\nmore')
    await expect(lab.service.importChosen({ tokens: [token], name: 'a', mapping: null })).rejects.toMatchObject({
      message: expect.stringContaining('changed after'),
    })
  })

  it('does not import what the preview found unusable', async () => {
    const preview = await lab.service.preview(lab.write('notes.txt', readFixture('not-a-dataset.txt')))
    expect(preview.problem).toContain('plain text without rows or columns')
    await expect(lab.service.importChosen({ tokens: [preview.token], name: 'notes', mapping: null })).rejects.toMatchObject({
      message: preview.problem,
    })
    expect(lab.service.list({ search: '', status: null, sort: 'newest' })).toEqual([])
  })

  it('offers the shipped sample and refuses ids that point elsewhere', async () => {
    const [sample] = await lab.service.listSamples()
    const dataset = await lab.service.importSample(sample?.id ?? '')
    await lab.service.whenSettled(dataset.id)
    expect(lab.service.get(dataset.id)).toMatchObject({ status: 'ready', stats: { rows: sample?.rows, errorRows: 0, duplicateRows: 0 } })
    for (const id of ['../samples/allotment-notes', '..', 'allotment-notes.jsonl', '/etc/passwd', '']) {
      await expect(lab.service.importSample(id)).rejects.toMatchObject({ code: 'DATASET_SAMPLE_UNKNOWN' })
    }
  })

  it('a damaged sample catalogue cannot point outside its folder', async () => {
    lab.write('samples.json', JSON.stringify([{ id: 'x', title: 'X', fileName: '../secret.jsonl', description: '', rows: 1 }]))
    const other = createDatasetLab({ samplesFolder: lab.folder })
    await expect(other.service.importSample('x')).rejects.toThrow('fileName')
    await other.close()
  })
})

describe('list, rename, delete and undo', () => {
  it('searches without case, filters and sorts', async () => {
    const first = await lab.import('Über 10.jsonl', `${goodRow('a')}\n${goodRow('b')}`)
    const second = await lab.import('über 9.jsonl', goodRow('a', 'a much longer answer '.repeat(20)))
    const third = await lab.import('faults.jsonl', readFixture('messages-with-faults.jsonl'))
    const names = (query: Partial<Parameters<typeof lab.service.list>[0]>) =>
      lab.service.list({ search: '', status: null, sort: 'newest', ...query }).map(({ id }) => id)
    expect(names({})).toEqual([third.id, second.id, first.id])
    expect(names({ search: ' ÜBER', sort: 'name' })).toEqual([second.id, first.id])
    expect(names({ status: 'error' })).toEqual([third.id])
    expect(names({ sort: 'rows' })).toEqual([third.id, first.id, second.id])
    expect(names({ sort: 'size' })).toEqual([third.id, second.id, first.id])
    expect(lab.service.rename({ id: first.id, name: 'New', description: 'Notes' })).toMatchObject({ name: 'New', description: 'Notes' })
  })

  it('delete hides and undo brings everything back; the file stays until the next session', async () => {
    const dataset = await lab.import('a.jsonl', goodRow('a'))
    await lab.service.delete(dataset.id)
    expect(() => lab.service.get(dataset.id)).toThrow(expect.objectContaining({ code: 'DATASET_NOT_FOUND' }))
    expect(lab.service.describe(dataset.id)).toMatchObject({ name: 'a.jsonl', isTrainable: false })
    expect(lab.service.undoDelete(dataset.id)).toMatchObject({ status: 'ready', isTrainable: true })
    expect((await lab.service.listRows({ id: dataset.id, ...everything })).rows).toHaveLength(1)
  })

  it('a dataset that a run trains on cannot be deleted', async () => {
    const { id } = await lab.import('a.jsonl', goodRow('a'))
    lab.usedByActiveRun.add(id)
    await expect(lab.service.delete(id)).rejects.toMatchObject({ code: 'DATASET_IN_USE' })
    expect(lab.service.get(id).status).toBe('ready')
  })

  it('start-up removes what was deleted, but not what a run refers to or another dataset shares', async () => {
    const kept = await lab.import('kept.jsonl', goodRow('kept'))
    const shared = await lab.import('shared.jsonl', goodRow('same'))
    const twin = await lab.import('twin.jsonl', goodRow('same'))
    const gone = await lab.import('gone.jsonl', goodRow('gone'))
    await lab.service.freeze(gone.id)
    for (const { id } of [kept, shared, gone]) await lab.service.delete(id)
    lab.referencedByRun.add(kept.id)
    await lab.restart()
    expect(lab.service.describe(kept.id).name).toBe('kept.jsonl')
    expect(() => lab.service.undoDelete(gone.id)).toThrow(expect.objectContaining({ code: 'DATASET_NOT_FOUND' }))
    const files = readdirSync(lab.datasetsFolder).filter((name) => name.endsWith('.jsonl'))
    expect(files.sort()).toEqual([`${kept.sha256}.jsonl`, `${twin.sha256}.jsonl`].sort())
    expect(readdirSync(join(lab.datasetsFolder, 'frozen'))).toEqual([])
    expect((await lab.service.listRows({ id: twin.id, ...everything })).rows).toHaveLength(1)
    expect(existsSync(join(lab.datasetsFolder, `${shared.sha256}.jsonl`))).toBe(true)
  })
})
