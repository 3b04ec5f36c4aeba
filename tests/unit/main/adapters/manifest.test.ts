import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AdapterManifest } from '../../../../preload/contract/worker.ts'
import { AppError } from '../../../../preload/contract/errors.ts'
import { partsOf, readManifest } from '../../../../main/features/adapters/manifest.ts'
import { sha256 } from '../../../support/adapters/packed-adapter.ts'

const runId = '01890000-0000-7000-8000-00000000000a'
const hash = sha256('x')

function validManifest(): AdapterManifest {
  const file = (name: string, bytes: number) => ({ name, bytes, sha256: hash })
  const part = (number: number, name: string, offset: number, bytes: number) => ({
    key: `adapter/part-000${number}`,
    bytes,
    sha256: hash,
    file: name,
    offset,
  })
  return {
    v: 1,
    run_id: runId,
    created_ms: 1,
    adapter_files: [file('adapter_model.safetensors', 30), file('adapter_config.json', 5)],
    parts: [
      part(1, 'adapter_model.safetensors', 0, 20),
      part(2, 'adapter_model.safetensors', 20, 10),
      part(3, 'adapter_config.json', 0, 5),
    ],
    base_model: { id: 'org/base', revision: null, fingerprint: 'f' },
    dataset_sha256: hash,
    config_sha256: hash,
    trainer_version: '1',
  }
}

function read(text: string): AdapterManifest {
  return readManifest(text, { runId, sha256: sha256(text) })
}

function refusalOf(text: string): string {
  try {
    read(text)
  } catch (error) {
    if (error instanceof AppError && error.code === 'ADAPTER_NOT_VERIFIED') return error.message
    throw error
  }
  return 'accepted'
}

type Change = (manifest: AdapterManifest) => void
const file = (manifest: AdapterManifest, index: number) => manifest.adapter_files[index] ?? { name: '', bytes: 0, sha256: '' }
const part = (manifest: AdapterManifest, index: number) => manifest.parts[index] ?? { key: '', bytes: 0, sha256: '', file: '', offset: 0 }
const rename =
  (name: string): Change =>
  (manifest) => {
    file(manifest, 1).name = name
    part(manifest, 2).file = name
  }
const extra =
  (name: string): Change =>
  (manifest) =>
    void manifest.adapter_files.push({ name, bytes: 0, sha256: hash })

const hostile: readonly (readonly [string, Change])[] = [
  ['a parent folder', extra('..')],
  ['this folder', extra('.')],
  ['a path upwards', extra('../evil.json')],
  ['a path upwards for Windows', extra('..\\evil.json')],
  ['an absolute path', extra('/etc/evil.json')],
  ['a drive', extra('C:evil.json')],
  ['a device name', extra('CON.json')],
  ['a hidden file', extra('.bashrc')],
  ['an empty name', extra('')],
  ['a name of a kilometre', extra(`${'a'.repeat(5000)}.json`)],
  ['a zero byte', extra('a\u0000.json')],
  ['a pickle', extra('pytorch_model.bin')],
  ['a pickle by another end', extra('adapter.PTH')],
  ['a program', extra('handler.py')],
  ['a file twice', extra('adapter_config.json')],
  ['a file twice by case', extra('Adapter_Config.json')],
  ['no weights', rename('tokenizer.json')],
  [
    'weights of an absurd size',
    (manifest) => {
      file(manifest, 0).bytes = Number.MAX_SAFE_INTEGER
      part(manifest, 1).bytes = Number.MAX_SAFE_INTEGER - 20
    },
  ],
  [
    'a part of an absurd size',
    (manifest) => {
      file(manifest, 0).bytes = 2_000_000_020
      part(manifest, 1).bytes = 2_000_000_000
    },
  ],
  ['overlapping parts', (manifest) => void (part(manifest, 1).offset = 19)],
  ['a gap between parts', (manifest) => void (part(manifest, 1).offset = 21)],
  ['parts that end too early', (manifest) => void (part(manifest, 1).bytes = 9)],
  ['parts that go on after the end', (manifest) => void (part(manifest, 1).bytes = 11)],
  ['a part twice', (manifest) => void manifest.parts.push({ ...part(manifest, 2) })],
  ['a part of no file', (manifest) => void (part(manifest, 2).file = 'other.json')],
  ['a part key upwards', (manifest) => void (part(manifest, 0).key = 'adapter/../../secret')],
  ['a part key elsewhere', (manifest) => void (part(manifest, 0).key = 'config.json')],
  ['no parts', (manifest) => void (manifest.parts = [])],
  ['no files', (manifest) => void (manifest.adapter_files = [])],
  ['a negative size', (manifest) => void (file(manifest, 0).bytes = -1)],
  ['a broken hash', (manifest) => void (file(manifest, 0).sha256 = 'A'.repeat(64))],
  ['another run', (manifest) => void (manifest.run_id = '01890000-0000-7000-8000-00000000000b')],
]

describe('packing list', () => {
  it('a right one is accepted, whatever the order of its parts', () => {
    const manifest = validManifest()
    manifest.parts.reverse()
    const accepted = read(JSON.stringify(manifest))
    expect(partsOf(accepted, 'adapter_model.safetensors').map((entry) => entry.offset)).toEqual([0, 20])
  })

  it.each(hostile)('%s is refused', (_title, change) => {
    const manifest = validManifest()
    change(manifest)
    expect(refusalOf(JSON.stringify(manifest))).not.toBe('accepted')
  })

  it('a text that is not the one the trainer recorded is refused before it is read', () => {
    const text = JSON.stringify(validManifest())
    expect(() => readManifest(`${text} `, { runId, sha256: sha256(text) })).toThrow(
      expect.objectContaining({ code: 'ADAPTER_NOT_VERIFIED' }),
    )
  })

  it('no text whatever makes it fail in an unexpected way', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(refusalOf(text)).not.toBe('accepted')
      }),
      { numRuns: 300 },
    )
  })

  it('what is accepted always covers every file exactly once, however it was tampered with', () => {
    const field = fc.constantFrom('bytes', 'offset', 'file', 'key')
    const value = fc.oneof(
      fc.nat(40),
      fc.constantFrom('adapter_model.safetensors', 'adapter_config.json', 'adapter/part-0001', 'adapter/part-0009'),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), field, value), { maxLength: 4 }), (changes) => {
        const manifest = validManifest()
        for (const [index, name, replacement] of changes) Object.assign(part(manifest, index), { [name]: replacement })
        const text = JSON.stringify(manifest)
        if (refusalOf(text) !== 'accepted') return
        const accepted = read(text)
        const covered = accepted.adapter_files.map(({ name }) =>
          partsOf(accepted, name).flatMap((entry) => Array.from({ length: entry.bytes }, (_, at) => entry.offset + at)),
        )
        expect(covered).toEqual(accepted.adapter_files.map(({ bytes }) => Array.from({ length: bytes }, (_, at) => at)))
      }),
      { numRuns: 500 },
    )
  })
})
