import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../preload/contract/errors.ts'
import { adapterFiles, packFiles, sha256, writePacked } from '../../support/adapters/packed-adapter.ts'
import { createAdapterLab, type AdapterLab } from './adapter-lab.ts'

let lab: AdapterLab
beforeEach(() => void (lab = createAdapterLab()))
afterEach(() => lab.close())

const notVerified = { code: 'ADAPTER_NOT_VERIFIED' }
const cut = () => {
  throw new AppError('ENDPOINT_UNREACHABLE', 'The volume does not answer.', { retryable: true })
}

describe('collecting an adapter', () => {
  it('the files on disk are the trainer’s, byte for byte, but for the model id in the configuration', async () => {
    await lab.collect()
    const adapter = lab.adapter()
    expect(adapter).toMatchObject({ status: 'verified', progress: 1, runId: lab.runId, baseModelId: 'acme/tiny-1B', datasetName: 'notes' })
    const packed = adapterFiles()
    expect(readdirSync(lab.home()).toSorted()).toEqual(Object.keys(packed).toSorted())
    for (const [name, bytes] of Object.entries(packed)) {
      const onDisk = readFileSync(join(lab.home(), name))
      if (name === 'adapter_config.json')
        expect(JSON.parse(onDisk.toString())).toEqual({ ...JSON.parse(bytes.toString()), base_model_name_or_path: 'acme/tiny-1B' })
      else expect(onDisk.equals(bytes)).toBe(true)
      expect(adapter.files.find((file) => file.name === name)?.sha256).toBe(sha256(onDisk))
    }
    const stored = lab.repository.findByRun(lab.runId)?.files.find((file) => file.name === 'adapter_config.json')
    expect(stored?.original?.sha256).toBe(sha256(packed['adapter_config.json'] ?? ''))
  })

  it('a run name with characters no Windows folder may have still gives a folder', async () => {
    await lab.collect()
    expect(lab.visible()).toEqual([expect.stringMatching(/^Tiny-notes-balanced-[0-9a-f]{8}$/)])
  })

  it('a second collect of a verified adapter copies nothing and names the same adapter', async () => {
    const first = await lab.collect()
    const copies = lab.copied.length
    expect(await lab.collect()).toEqual(first)
    expect(lab.copied).toHaveLength(copies)
    expect(lab.visible()).toHaveLength(1)
  })

  it('two collects at the same time do not copy into each other', async () => {
    const [first, second] = await Promise.all([lab.collect(), lab.collect()])
    expect(second).toEqual(first)
    expect(lab.copied).toHaveLength(lab.packed.parts.length)
  })

  it('the notice comes once, with the stars', async () => {
    await lab.collect()
    expect([...lab.notices.values()]).toEqual([
      expect.objectContaining({
        type: 'artifact_ready',
        priority: 'high',
        message: expect.stringContaining('5 of 5'),
        target: { page: 'adapters', id: lab.adapter().id },
      }),
    ])
  })

  it('leaves no staging files behind', async () => {
    await lab.collect()
    expect(existsSync(join(lab.adaptersFolder, '.incoming', lab.runId))).toBe(false)
  })

  it('a run that was stopped, or has no held-out rows, gives an adapter that says so', async () => {
    await lab.collect({
      status: 'stopped',
      steps_done: 10,
      eval_loss_base: null,
      eval_loss_best: null,
      eval_loss_last: null,
      eval_rows: null,
    })
    expect(lab.adapter()).toMatchObject({
      status: 'verified',
      stoppedEarly: true,
      health: { stars: null },
      summary: { stepsDone: 10, stepsTotal: 100 },
    })
  })
})

describe('interrupted collecting', () => {
  it('killed between parts, only the missing parts are copied afterwards', async () => {
    lab.faults.beforePart = (count) => void (count === 3 && cut())
    await expect(lab.collect()).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    expect(lab.adapter().status).toBe('collecting')
    expect(lab.visible()).toEqual([])
    const first = lab.copied.splice(0)
    lab.faults.beforePart = undefined
    await lab.restart()
    await lab.collect()
    expect(lab.adapter().status).toBe('verified')
    expect(new Set([...first, ...lab.copied].map(({ key }) => key)).size).toBe(lab.packed.parts.length)
    const bytes = [...first, ...lab.copied].reduce((sum, part) => sum + part.bytes, 0)
    expect(bytes).toBe(lab.packed.parts.reduce((sum, part) => sum + part.data.length, 0))
  })

  it('a half part whose bytes were lost by a crash is copied again from its beginning', async () => {
    lab.faults.beforePart = (count) => void (count === 2 && cut())
    await expect(lab.collect()).rejects.toBeInstanceOf(AppError)
    lab.faults.beforePart = undefined
    const parts = join(lab.adaptersFolder, '.incoming', lab.runId, 'parts')
    writeFileSync(join(parts, 'part-0003'), Buffer.alloc(50))
    await lab.collect()
    expect(lab.adapter().status).toBe('verified')
  })

  it('a crash after the folder was put in place but before it was recorded costs no second copy', async () => {
    await lab.collect()
    lab.copied.length = 0
    lab.repository.patch(lab.adapter().id, { status: 'collecting', verifiedAtMs: null })
    await lab.collect()
    expect(lab.copied).toEqual([])
    expect(lab.adapter()).toMatchObject({ status: 'verified' })
    expect(lab.visible()).toHaveLength(1)
  })

  it('a copy left unfinished by a run that has ended goes on at the next start', async () => {
    lab.faults.beforePart = (count) => void (count === 2 && cut())
    await expect(lab.collect()).rejects.toBeInstanceOf(AppError)
    lab.faults.beforePart = undefined
    Object.assign(lab.run, { status: 'completed', endedAtMs: 5 })
    await lab.restart()
    expect(lab.adapter().status).toBe('verified')
  })

  it('a result the user threw away is not collected at the next start', async () => {
    lab.faults.beforePart = (count) => void (count === 2 && cut())
    await expect(lab.collect()).rejects.toBeInstanceOf(AppError)
    lab.faults.beforePart = undefined
    Object.assign(lab.run, { status: 'cancelled', stopRequested: 'discard', endedAtMs: 5 })
    await lab.restart()
    expect(lab.service.list({ search: '', sort: 'newest' })).toEqual([])
    expect(existsSync(join(lab.adaptersFolder, '.incoming', lab.runId))).toBe(false)
  })

  it('an active run is left to its own loop at the start', async () => {
    lab.faults.beforePart = (count) => void (count === 2 && cut())
    await expect(lab.collect()).rejects.toBeInstanceOf(AppError)
    lab.faults.beforePart = undefined
    const copies = lab.copied.length
    await lab.restart()
    expect(lab.copied).toHaveLength(copies)
    expect(lab.adapter().status).toBe('collecting')
  })

  it('a result thrown away in the middle of its copy leaves nothing in the list', async () => {
    const controller = new AbortController()
    lab.faults.beforePart = (count) => {
      if (count !== 1) return
      Object.assign(lab.run, { status: 'cancelled', stopRequested: 'discard', endedAtMs: 5 })
      controller.abort(new Error('discarded'))
    }
    await expect(lab.collect({}, controller.signal)).rejects.toThrow('discarded')
    expect(lab.service.list({ search: '', sort: 'newest' })).toEqual([])
    expect(existsSync(join(lab.adaptersFolder, '.incoming', lab.runId))).toBe(false)
  })

  it('an abort stops the copy and leaves it to be continued', async () => {
    const controller = new AbortController()
    lab.faults.beforePart = (count) => void (count === 1 && controller.abort(new Error('closing')))
    await expect(lab.collect({}, controller.signal)).rejects.toThrow('closing')
    expect(lab.adapter().status).toBe('collecting')
    expect(lab.visible()).toEqual([])
  })

  it('a full disk is said in words and can be tried again', async () => {
    lab.faults.beforePart = () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    await expect(lab.collect()).rejects.toMatchObject({ code: 'DISK_FULL', retryable: true, message: expect.stringContaining('free') })
    expect(lab.adapter().status).toBe('collecting')
  })
})

describe('damaged adapters', () => {
  it('one flipped byte in a part quarantines the adapter; once the volume is right, fetching again succeeds', async () => {
    const repair = lab.flip('adapter/part-0002')
    await expect(lab.collect()).rejects.toMatchObject({ ...notVerified, details: { adapterId: expect.any(String) } })
    const { id } = lab.adapter()
    expect(lab.adapter()).toMatchObject({
      status: 'quarantined',
      quarantineReason: expect.stringContaining('part-0002'),
      verifiedAtMs: null,
    })
    expect(lab.visible()).toEqual([])
    expect(readFileSync(join(lab.quarantineFolder, lab.runId, 'reason.txt'), 'utf8')).toContain('part-0002')
    expect(lab.notices.size).toBe(0)
    repair()
    expect(await lab.service.fetchAgain(id)).toMatchObject({ status: 'verified', quarantineReason: null })
    expect(existsSync(join(lab.quarantineFolder, lab.runId))).toBe(false)
    expect(lab.notices.size).toBe(1)
  })

  it('fetching again what is still damaged answers with the reason instead of failing', async () => {
    lab.flip('adapter/part-0002')
    await expect(lab.collect()).rejects.toMatchObject(notVerified)
    expect(await lab.service.fetchAgain(lab.adapter().id)).toMatchObject({ status: 'quarantined' })
  })

  it('an unreachable volume leaves a quarantined adapter quarantined, with its reason', async () => {
    lab.flip('adapter/part-0002')
    await expect(lab.collect()).rejects.toMatchObject(notVerified)
    const before = lab.adapter()
    lab.faults.open = new AppError('ENDPOINT_UNREACHABLE', 'No answer.', { retryable: true })
    await expect(lab.service.fetchAgain(before.id)).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    expect(lab.adapter()).toMatchObject({ status: 'quarantined', quarantineReason: before.quarantineReason })
  })

  it.each([
    ['a part is missing', () => rmSync(lab.partPath('adapter/part-0001')), /part-0001 is not on/],
    ['a part is cut short', () => truncateSync(lab.partPath('adapter/part-0002'), 3), /part-0002 has 3 bytes/],
    ['the packing list is gone', () => rmSync(lab.partPath('manifest.json')), /manifest\.json/],
    ['the packing list was changed', () => writeFileSync(lab.partPath('manifest.json'), '{}'), /not the one the trainer recorded/],
  ])('when %s, nothing becomes visible and the reason says so', async (_what, damage, reason) => {
    damage()
    await expect(lab.collect()).rejects.toMatchObject(notVerified)
    expect(lab.adapter()).toMatchObject({ status: 'quarantined', quarantineReason: expect.stringMatching(reason) })
    expect(lab.visible()).toEqual([])
  })

  it.each([
    ['weights that are no safetensors file', { 'adapter_model.safetensors': Buffer.from('not tensors at all') }, /weights file/],
    [
      'a configuration that is no LoRA',
      { 'adapter_config.json': Buffer.from('{"peft_type":"IA3","r":1,"base_model_name_or_path":null}') },
      /adapter_config\.json/,
    ],
    ['a pickle', { 'adapter_model.bin': Buffer.from('cos system') }, /could run code/],
    ['a program', { 'setup.py': Buffer.from('print()') }, /does not belong/],
  ])('%s with right hashes are refused all the same', async (_what, replaced, reason) => {
    const manifestSha256 = writePacked(lab.volumeFolder, packFiles(lab.runId, { ...adapterFiles(), ...replaced }))
    await expect(lab.collect({ manifest_sha256: manifestSha256 })).rejects.toMatchObject(notVerified)
    expect(lab.adapter()).toMatchObject({ status: 'quarantined', quarantineReason: expect.stringMatching(reason) })
  })

  it('a hostile packing list writes nothing outside the staging folder', async () => {
    const packed = packFiles(lab.runId, adapterFiles())
    const [first] = packed.manifest.adapter_files
    packed.manifest.adapter_files.push({ name: '..', bytes: first?.bytes ?? 0, sha256: first?.sha256 ?? '' })
    const before = readdirSync(lab.folder).toSorted()
    await expect(lab.collect({ manifest_sha256: writePacked(lab.volumeFolder, packed) })).rejects.toMatchObject(notVerified)
    expect(lab.copied).toEqual([])
    expect(readdirSync(lab.folder).filter((name) => name !== 'quarantine')).toEqual(before.filter((name) => name !== 'quarantine'))
  })
})
