import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { routes } from '../../../preload/contract/contract.ts'
import { createAdapterHandlers } from '../../../main/features/adapters/handlers.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { createAdapterLab, readFolder, sha256, type AdapterLab } from '../../support/adapter-lab.ts'

let lab: AdapterLab
let outside = ''
let id = ''
let folder = ''
beforeEach(async () => {
  lab = createAdapterLab()
  outside = mkdtempSync(join(tmpdir(), 'adapter-target-'))
  id = await lab.collect(lab.finishRun())
  folder = join(lab.adaptersFolder, lab.repository.find(id)?.relativePath ?? '')
})
afterEach(async () => {
  await lab.close()
  rmSync(outside, { recursive: true, force: true })
})

const query = { search: '', sort: 'newest' } as const
const weights = 'adapter_model.safetensors'
const hashes = () => Object.fromEntries(lab.service.get(id).files.map((file) => [file.name, file.sha256]))

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof AppError ? error.code : `not a refusal: ${String(error)}`
}

/** Reads an archive by its central directory, as any other program does. */
function readZip(path: string): { name: string; data: Buffer; isStored: boolean }[] {
  const zip = readFileSync(path)
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  const entries = []
  let at = zip.readUInt32LE(end + 16)
  for (let count = zip.readUInt16LE(end + 10); count > 0; count -= 1) {
    const [method, size, nameLength, extra, comment, local] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32), zip.readUInt32LE(at + 42)]
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const raw = zip.subarray(start, start + size)
    entries.push({ name: zip.subarray(at + 46, at + 46 + nameLength).toString(), data: method === 0 ? raw : inflateRawSync(raw), isStored: method === 0 })
    at += 46 + nameLength + extra + comment
  }
  return entries
}

describe('saving an adapter elsewhere', () => {
  it('every file of the ZIP has the recorded hash, and the weights are stored as they are', async () => {
    lab.desktop.target = join(outside, 'saved.zip')
    const saved = await lab.service.saveAs({ id, format: 'zip' }, 1)
    expect(saved).toEqual({ path: lab.desktop.target, bytes: readFileSync(lab.desktop.target).length })
    const entries = readZip(lab.desktop.target)
    expect(Object.fromEntries(entries.map((entry) => [basename(entry.name), sha256(entry.data)]))).toEqual(hashes())
    expect(new Set(entries.map((entry) => entry.name.split('/').length))).toEqual(new Set([2]))
    expect(entries.find((entry) => entry.name.endsWith(weights))?.isStored).toBe(true)
    expect(readdirSync(outside)).toEqual(['saved.zip'])
  })

  it('another program can open the ZIP', async () => {
    lab.desktop.target = join(outside, 'saved.zip')
    await lab.service.saveAs({ id, format: 'zip' }, 1)
    const script = 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).testzip())'
    expect(execFileSync('python3', ['-c', script, lab.desktop.target], { encoding: 'utf8' }).trim()).toBe('None')
  })

  it('a folder copy has the recorded hashes and never writes over an earlier one', async () => {
    lab.desktop.target = outside
    const first = await lab.service.saveAs({ id, format: 'folder' }, 1)
    const second = await lab.service.saveAs({ id, format: 'folder' }, 1)
    expect(first?.path).not.toBe(second?.path)
    for (const saved of [first, second]) expect(readFolder(saved?.path ?? '', readdirSync(saved?.path ?? ''))).toEqual(hashes())
    expect(readdirSync(outside)).toHaveLength(2)
  })

  it.each(['zip', 'folder'] as const)('as %s: files changed since the last check are not handed on, and nothing half-made stays', async (format) => {
    lab.desktop.target = format === 'zip' ? join(outside, 'saved.zip') : outside
    writeFileSync(join(folder, weights), Buffer.alloc(readFileSync(join(folder, weights)).length))
    expect(await codeOf(lab.service.saveAs({ id, format }, 1))).toBe('ADAPTER_NOT_VERIFIED')
    expect(readdirSync(outside)).toEqual([])
  })

  it.each(['zip', 'folder'] as const)('as %s: a place that cannot be written is an expected failure', async (format) => {
    lab.desktop.target = join(outside, 'absent', format === 'zip' ? 'saved.zip' : 'below')
    expect(await codeOf(lab.service.saveAs({ id, format }, 1))).toBe('ADAPTER_EXPORT_FAILED')
  })

  it('closing the dialog does nothing', async () => {
    expect(await lab.service.saveAs({ id, format: 'zip' }, 1)).toBeNull()
    expect(readdirSync(outside)).toEqual([])
  })
})

describe('dragging, revealing and copying the path', () => {
  it('all three name the folder of the adapter', async () => {
    await lab.service.startDrag(id, 1)
    await lab.service.reveal(id)
    expect(await lab.service.copyPath(id)).toEqual({ path: folder })
    expect(lab.desktop).toMatchObject({ dragged: [folder], revealed: [folder], copied: [folder] })
  })

  it('a folder that was moved away is noticed at the drag, not by the program it is dropped on', async () => {
    renameSync(folder, join(outside, 'taken'))
    expect(await codeOf(lab.service.startDrag(id, 1))).toBe('ADAPTER_NOT_VERIFIED')
    expect(lab.desktop.dragged).toEqual([])
    expect(lab.service.get(id).status).toBe('missing')
  })

  it('a quarantined adapter cannot leave the app, but its files can be looked at', async () => {
    writeFileSync(join(folder, 'README.md'), 'changed')
    await lab.service.verify(id)
    for (const work of [lab.service.startDrag(id, 1), lab.service.saveAs({ id, format: 'zip' }, 1)]) expect(await codeOf(work)).toBe('ADAPTER_NOT_VERIFIED')
    await lab.service.reveal(id)
    expect(lab.desktop.revealed[0]?.startsWith(lab.quarantineFolder)).toBe(true)
  })
})

describe('keeping an adapter honest', () => {
  it('verify finds a changed file, sets the adapter apart and a new copy makes it good again', async () => {
    expect((await lab.service.verify(id)).status).toBe('verified')
    writeFileSync(join(folder, 'README.md'), '# LoRA adapteR\n')
    expect(await lab.service.verify(id)).toMatchObject({ status: 'quarantined', quarantineReason: expect.stringContaining('README.md') })
    expect(existsSync(folder)).toBe(false)
    expect((await lab.service.fetchAgain(id)).status).toBe('verified')
    expect(readFolder(join(lab.adaptersFolder, lab.repository.find(id)?.relativePath ?? ''), Object.keys(hashes()))).toEqual(hashes())
  })

  it('a folder that is gone at the start is missing; put back, it is read completely before it counts again', async () => {
    renameSync(folder, join(outside, 'away'))
    lab.reopen()
    await lab.service.start()
    await lab.service.whenIdle()
    expect(lab.service.get(id).status).toBe('missing')
    renameSync(join(outside, 'away'), folder)
    lab.reopen()
    await lab.service.start()
    await lab.service.whenIdle()
    expect(lab.service.get(id).status).toBe('verified')
  })

  it('a folder put back with a changed file does not become verified', async () => {
    renameSync(folder, join(outside, 'away'))
    lab.reopen()
    await lab.service.start()
    await lab.service.whenIdle()
    writeFileSync(join(outside, 'away', 'README.md'), '# LoRA adapteR\n')
    renameSync(join(outside, 'away'), folder)
    lab.reopen()
    await lab.service.start()
    await lab.service.whenIdle()
    expect(lab.service.get(id).status).toBe('quarantined')
  })

  it('a failed fetch that says nothing about the files leaves the adapter as it was', async () => {
    renameSync(folder, join(outside, 'away'))
    await lab.service.verify(id)
    mkdirSync(join(lab.adaptersFolder, '.incoming'), { recursive: true })
    writeFileSync(join(lab.adaptersFolder, '.incoming', lab.service.get(id).runId), 'in the way')
    await codeOf(lab.service.fetchAgain(id))
    expect(lab.service.get(id).status).toBe('missing')
  })
})

describe('list, names and removal', () => {
  it('searches by name, model and dataset, and sorts by health with the unrated last', async () => {
    const unrated = await lab.collect(lab.finishRun({ run: { name: 'Plain' }, result: { eval_loss_base: null, eval_loss_best: null, eval_loss_last: null, eval_rows: null } }))
    expect(lab.service.list({ ...query, search: 'PLAIN' }).map((adapter) => adapter.id)).toEqual([unrated])
    expect(lab.service.list({ ...query, search: 'org/base' })).toHaveLength(2)
    expect(lab.service.list({ ...query, search: 'support' })).toHaveLength(2)
    expect(lab.service.list({ ...query, sort: 'health' }).map((adapter) => adapter.health.stars)).toEqual([5, null])
    expect(lab.service.list(query).map((adapter) => adapter.id)).toEqual([unrated, id])
  })

  it('a new name is the one the next export carries', async () => {
    lab.service.rename({ id, name: 'Second try' })
    lab.desktop.target = outside
    expect(basename((await lab.service.saveAs({ id, format: 'folder' }, 1))?.path ?? '')).toBe('Second-try')
  })

  it('deletion goes through the trash, and the run does not bring the adapter back', async () => {
    const { runId } = lab.service.get(id)
    await lab.service.delete(id)
    expect(lab.desktop.trashed).toEqual([folder])
    expect(lab.service.list(query)).toEqual([])
    expect(await codeOf((async () => lab.service.get(id))())).toBe('ADAPTER_NOT_FOUND')
    const run = lab.runs.get(runId)
    const finished = lab.finishRun()
    if (run === undefined) throw new Error('The run is gone')
    expect(await lab.collect({ ...finished, run })).toBe(id)
    expect(lab.service.list(query)).toEqual([])
  })

  it('an adapter that is being copied cannot be deleted under the copy', async () => {
    lab.repository.patch(id, { status: 'collecting' })
    expect(await codeOf(lab.service.delete(id))).toBe('ADAPTER_BUSY')
    expect(existsSync(folder)).toBe(true)
  })

  it('every route answers in the shape the window expects', async () => {
    const handlers = createAdapterHandlers(lab.service)
    const context = { windowId: 1, droppedPath: null }
    lab.desktop.target = outside
    const answers = {
      'adapters.list': await handlers['adapters.list'](query, context),
      'adapters.get': await handlers['adapters.get']({ id }, context),
      'adapters.rename': await handlers['adapters.rename']({ id, name: 'x' }, context),
      'adapters.verify': await handlers['adapters.verify']({ id }, context),
      'adapters.fetchAgain': await handlers['adapters.fetchAgain']({ id }, context),
      'adapters.startDrag': await handlers['adapters.startDrag']({ id }, context),
      'adapters.saveAs': await handlers['adapters.saveAs']({ id, format: 'folder' }, context),
      'adapters.reveal': await handlers['adapters.reveal']({ id }, context),
      'adapters.copyPath': await handlers['adapters.copyPath']({ id }, context),
      'adapters.delete': await handlers['adapters.delete']({ id }, context),
    }
    for (const [route, answer] of Object.entries(answers)) expect(routes[route as keyof typeof answers].output.safeParse(answer).error).toBeUndefined()
  })
})
