import { createHash } from 'node:crypto'
import { manifestSchema, type AdapterManifest } from '../../../preload/contract/worker.ts'
import { corrupt } from './corrupt.ts'

export type ManifestFile = AdapterManifest['adapter_files'][number]
export type ManifestPart = AdapterManifest['parts'][number]

/** The weights: the one large file. */
export const weightsName = 'adapter_model.safetensors'
/** The file that tells other programs how to load the weights. */
export const configName = 'adapter_config.json'
const knownNames: ReadonlySet<string> = new Set([
  weightsName,
  configName,
  'chat_template.jinja',
  'README.md',
  'training_summary.json',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'spiece.model',
  'tekken.json',
  'processor_config.json',
  'preprocessor_config.json',
  'video_preprocessor_config.json',
  'generation_config.json',
  'chat_template.json',
  'normalizer.json',
  'sentencepiece.bpe.model',
  'tiktoken.model',
  'vocab.bpe',
])
const pickleName = /\.(?:bin|pt|pth|pkl|pickle|ckpt)$/i
const maxPartBytes = 256_000_000
const maxWeightsBytes = 100_000_000_000
const maxOtherBytes = 500_000_000

/** Reads the packing list of a run and refuses everything in it that could lead outside the adapter's folder or not add up. */
export function readManifest(text: string, expected: { readonly runId: string; readonly sha256: string }): AdapterManifest {
  if (createHash('sha256').update(text, 'utf8').digest('hex') !== expected.sha256)
    throw corrupt('The packing list (manifest.json) is not the one the trainer recorded.')
  const parsed = manifestSchema.safeParse(parseJson(text))
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.map(String).join('.') ?? ''
    throw corrupt(`The packing list (manifest.json) is not valid${where === '' ? '' : ` at ${where}`}.`)
  }
  const manifest = parsed.data
  if (manifest.run_id !== expected.runId) throw corrupt('The packing list (manifest.json) belongs to another run.')
  assertFiles(manifest.adapter_files)
  assertParts(manifest)
  return manifest
}

/** The parts of one file, in order. */
export function partsOf(manifest: AdapterManifest, fileName: string): readonly ManifestPart[] {
  return manifest.parts.filter((part) => part.file === fileName).toSorted((a, b) => a.offset - b.offset || a.bytes - b.bytes)
}

/** Bytes of all files together. */
export function totalBytes(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function assertFiles(files: readonly ManifestFile[]): void {
  const names = new Set<string>()
  for (const { name, bytes } of files) {
    if (pickleName.test(name)) throw corrupt(`${name} could run code when it is loaded; such files are refused.`)
    if (!knownNames.has(name)) throw corrupt(`${JSON.stringify(name.slice(0, 120))} does not belong into an adapter.`)
    if (names.has(name)) throw corrupt(`The packing list names ${name} twice.`)
    if (bytes > (name === weightsName ? maxWeightsBytes : maxOtherBytes)) throw corrupt(`${name} is larger than any such file can be.`)
    names.add(name)
  }
  for (const required of [weightsName, configName]) {
    if (!names.has(required)) throw corrupt(`The packing list has no ${required}.`)
  }
}

function assertParts(manifest: AdapterManifest): void {
  const keys = new Set<string>()
  for (const { key, bytes, file } of manifest.parts) {
    if (keys.has(key)) throw corrupt(`The packing list names ${key} twice.`)
    if (bytes > maxPartBytes) throw corrupt(`${key} is larger than a part can be.`)
    if (!manifest.adapter_files.some((known) => known.name === file)) throw corrupt(`${key} belongs to no file of the packing list.`)
    keys.add(key)
  }
  for (const { name, bytes } of manifest.adapter_files) {
    let end = 0
    for (const part of partsOf(manifest, name)) {
      if (part.offset !== end) throw corrupt(`The parts of ${name} overlap or leave a gap.`)
      end += part.bytes
    }
    if (end !== bytes) throw corrupt(`The parts of ${name} do not add up to it.`)
  }
}
