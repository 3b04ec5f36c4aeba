import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '../../support/adapters/packed-adapter.ts'
import { createAdapterLab, windowContext, type AdapterLab } from './adapter-lab.ts'

let lab: AdapterLab
let id: string
beforeEach(async () => {
  lab = createAdapterLab()
  await lab.collect()
  id = lab.adapter().id
})
afterEach(() => lab.close())

const zipReader = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps({info.filename: [hashlib.sha256(archive.read(info)).hexdigest(), info.compress_type] for info in archive.infolist()}))
`
const damageWeights = () => {
  const path = join(lab.home(), 'adapter_model.safetensors')
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  writeFileSync(path, bytes)
}

describe('saving an adapter', () => {
  it('the ZIP opens in another program, holds every file with its recorded hash, and stores the weights unpacked', async () => {
    lab.shell.saveTo = join(lab.exportFolder, 'out.zip')
    const saved = await lab.handlers()['adapters.saveAs']({ id, format: 'zip' }, windowContext)
    expect(saved).toEqual({ path: lab.shell.saveTo, bytes: readFileSync(lab.shell.saveTo).length })
    const entries = JSON.parse(execFileSync('python3', ['-c', zipReader, lab.shell.saveTo], { encoding: 'utf8' })) as Record<
      string,
      [string, number]
    >
    const expected = Object.fromEntries(
      lab.adapter().files.map((file) => [`Tiny-notes-balanced/${file.name}`, [file.sha256, file.name.endsWith('.safetensors') ? 0 : 8]]),
    )
    expect(entries).toEqual(expected)
    expect(readdirSync(lab.exportFolder)).toEqual(['out.zip'])
  })

  it('a ZIP over an existing file replaces it as a whole', async () => {
    lab.shell.saveTo = join(lab.exportFolder, 'out.zip')
    writeFileSync(lab.shell.saveTo, 'something older')
    await lab.service.saveAs({ id, format: 'zip' }, 1)
    expect(readFileSync(lab.shell.saveTo).subarray(0, 2).toString()).toBe('PK')
  })

  it('a file changed after its check never leaves as a ZIP, and the older export stays', async () => {
    lab.shell.saveTo = join(lab.exportFolder, 'out.zip')
    writeFileSync(lab.shell.saveTo, 'something older')
    damageWeights()
    await expect(lab.service.saveAs({ id, format: 'zip' }, 1)).rejects.toMatchObject({
      code: 'ADAPTER_NOT_VERIFIED',
      message: expect.stringContaining('Verify again'),
    })
    expect(readFileSync(lab.shell.saveTo, 'utf8')).toBe('something older')
    expect(readdirSync(lab.exportFolder)).toEqual(['out.zip'])
  })

  it('a missing file ends the ZIP with an error instead of hanging or crashing', async () => {
    lab.shell.saveTo = join(lab.exportFolder, 'out.zip')
    rmSync(join(lab.home(), 'tokenizer.json'))
    await expect(lab.service.saveAs({ id, format: 'zip' }, 1)).rejects.toMatchObject({ code: 'ADAPTER_EXPORT_FAILED' })
    expect(readdirSync(lab.exportFolder)).toEqual([])
  })

  it('a folder export has the same bytes, and a second one does not overwrite the first', async () => {
    lab.shell.saveTo = lab.exportFolder
    await lab.service.saveAs({ id, format: 'folder' }, 1)
    await lab.service.saveAs({ id, format: 'folder' }, 1)
    expect(readdirSync(lab.exportFolder).toSorted()).toEqual(['Tiny-notes-balanced', 'Tiny-notes-balanced-2'])
    for (const file of lab.adapter().files)
      expect(sha256(readFileSync(join(lab.exportFolder, 'Tiny-notes-balanced-2', file.name)))).toBe(file.sha256)
  })

  it('a place that is not there is refused in words', async () => {
    lab.shell.saveTo = join(lab.exportFolder, 'gone', 'out.zip')
    await expect(lab.service.saveAs({ id, format: 'zip' }, 1)).rejects.toMatchObject({
      code: 'ADAPTER_EXPORT_FAILED',
      message: expect.stringContaining('another place'),
    })
  })

  it('closing the dialog saves nothing', async () => {
    expect(await lab.service.saveAs({ id, format: 'zip' }, 1)).toBeNull()
  })
})

describe('taking an adapter out otherwise', () => {
  it('a drag carries the folder of a verified adapter from the calling window', async () => {
    await lab.handlers()['adapters.startDrag']({ id }, windowContext)
    expect(lab.shell.dragged).toEqual([[7, lab.home()]])
  })

  it('a folder that is gone is not dragged, and the adapter counts as missing', async () => {
    rmSync(lab.home(), { recursive: true })
    await expect(lab.service.startDrag(id, 1)).rejects.toMatchObject({ code: 'ADAPTER_NOT_VERIFIED' })
    expect(lab.shell.dragged).toEqual([])
    expect(lab.adapter().status).toBe('missing')
  })

  it('reveal and copy path lead to the files, of a quarantined adapter to where it is kept apart', async () => {
    await lab.service.reveal(id)
    expect(await lab.service.copyPath(id)).toEqual({ path: lab.home() })
    damageWeights()
    await lab.service.verify(id)
    await lab.service.reveal(id)
    expect(lab.shell.revealed.at(-1)).toBe(join(lab.quarantineFolder, lab.runId))
    expect(lab.shell.copied).toHaveLength(1)
    await expect(lab.service.startDrag(id, 1)).rejects.toMatchObject({ code: 'ADAPTER_NOT_VERIFIED' })
  })
})

describe('keeping adapters honest', () => {
  it('verifying reads the bytes again: a changed one is kept apart and can be fetched again', async () => {
    expect((await lab.service.verify(id)).status).toBe('verified')
    damageWeights()
    expect(await lab.service.verify(id)).toMatchObject({
      status: 'quarantined',
      quarantineReason: expect.stringContaining('adapter_model.safetensors'),
    })
    expect(lab.visible()).toEqual([])
    expect((await lab.service.fetchAgain(id)).status).toBe('verified')
    expect(lab.visible()).toHaveLength(1)
  })

  it('a folder moved away while the app was closed shows as missing, and put back it is read before it counts', async () => {
    const elsewhere = join(lab.folder, 'elsewhere')
    renameSync(lab.home(), elsewhere)
    await lab.restart()
    expect(lab.adapter().status).toBe('missing')
    renameSync(elsewhere, lab.home())
    await lab.restart()
    expect(lab.adapter().status).toBe('verified')
  })

  it('a folder put back with a change in it does not become verified', async () => {
    const elsewhere = join(lab.folder, 'elsewhere')
    renameSync(lab.home(), elsewhere)
    await lab.restart()
    renameSync(elsewhere, lab.home())
    damageWeights()
    await lab.restart()
    expect(lab.adapter().status).toBe('quarantined')
  })

  it('a missing adapter can be fetched again from the volume', async () => {
    rmSync(lab.home(), { recursive: true })
    await lab.service.verify(id)
    expect((await lab.service.fetchAgain(id)).status).toBe('verified')
  })

  it('what is left of an old copy is cleared at the start', async () => {
    const leftover = join(lab.adaptersFolder, '.incoming', lab.runId)
    mkdirSync(join(leftover, 'parts'), { recursive: true })
    Object.assign(lab.run, { status: 'completed', endedAtMs: 5 })
    await lab.restart()
    expect(existsSync(leftover)).toBe(false)
  })
})

describe('renaming and deleting', () => {
  it('a new name does not move the folder, whose path may be in use elsewhere', async () => {
    const home = lab.home()
    expect(lab.service.rename({ id, name: 'For the clinic' }).name).toBe('For the clinic')
    expect(existsSync(home)).toBe(true)
  })

  it('a rename during a copy is not undone by the end of the copy', async () => {
    damageWeights()
    await lab.service.verify(id)
    lab.faults.beforePart = () => void lab.service.rename({ id, name: 'Renamed' })
    await lab.service.fetchAgain(id)
    expect(lab.adapter()).toMatchObject({ name: 'Renamed', status: 'verified' })
  })

  it('deleting moves the folder to the trash and is final for a repeated collect', async () => {
    const home = lab.home()
    await lab.handlers()['adapters.delete']({ id }, windowContext)
    expect(lab.shell.trashed).toEqual([home])
    expect(() => lab.service.get(id)).toThrow('not there any more')
    expect(await lab.collect()).toEqual({ adapterId: id })
    expect(lab.visible()).toEqual([])
  })

  it('deleting is refused while the files are being copied', async () => {
    lab.repository.patch(id, { status: 'collecting' })
    await expect(lab.service.delete(id)).rejects.toMatchObject({ code: 'ADAPTER_BUSY' })
    await expect(lab.service.fetchAgain(id)).rejects.toMatchObject({ code: 'ADAPTER_BUSY' })
    expect(lab.shell.trashed).toEqual([])
  })

  it('the list is searched by name, model and dataset', () => {
    const find = (search: string) => lab.service.list({ search, sort: 'health' }).length
    expect([find('TINY'), find('acme/'), find('notes'), find('nothing like it')]).toEqual([1, 1, 1, 0])
  })
})
