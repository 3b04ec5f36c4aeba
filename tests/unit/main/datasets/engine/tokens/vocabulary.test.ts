import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadCatalogue } from '../../../../../../main/features/models/catalogue.ts'
import { createTokenizer } from '../../../../../../main/features/datasets/engine/tokens/byte-bpe.ts'
import { familyOf } from '../../../../../../main/features/datasets/engine/tokens/families.ts'
import { loadVocabulary } from '../../../../../../main/features/datasets/engine/tokens/vocabulary.ts'
import { families, packedPath } from './reference.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-vocabulary-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

it('copies the tables when a vocabulary is sent to a worker', async () => {
  const data = await loadVocabulary(packedPath('smollm2'))
  const sent = structuredClone(data)
  expect(createTokenizer(sent).encode('One text.')).toEqual(createTokenizer(data).encode('One text.'))
  sent.tables.classes[0x41] = 0
  expect(data.tables.classes[0x41]).toBe(0)
})

it.each([
  ['no archive', Buffer.from('plain text')],
  ['another archive', gzipSync('something else altogether')],
  ['a part of one', gzipSync(Buffer.concat([Buffer.from('TSVOC001'), Buffer.alloc(2)]))],
])('takes %s for a vocabulary', async (_what, bytes) => {
  const path = join(folder, 'broken.vocabulary')
  writeFileSync(path, bytes)
  await expect(loadVocabulary(path)).rejects.toMatchObject({ code: 'DATASET_FILE_UNREADABLE' })
})

it('does not ship the special tokens or the chat template of a family', async () => {
  for (const family of families) {
    const { header } = await loadVocabulary(packedPath(family))
    expect(header.family).toBe(family)
    expect(header.addedTokens.length).toBeGreaterThan(10)
    // gpt-oss keeps its template in a file of its own, which the package lacks.
    if (family !== 'gpt_oss') expect(header.chatTemplate).toContain('messages')
    expect(header.addedTokens.map(({ text }) => text)).toContain(header.eosToken)
  }
})

it('names a family for a model of the catalogue whose template or tokens are others', () => {
  const models = loadCatalogue(new URL('../../../../../../resources/models', import.meta.url).pathname)
  const named = new Map(models.map(({ id }) => [id, familyOf(id)]))
  expect(named.get('Qwen/Qwen3-8B')).toBe('qwen3')
  expect(named.get('meta-llama/Llama-3.1-8B-Instruct')).toBe('llama3')
  expect(named.get('google/gemma-3-4b-it')).toBe('gemma3')
  expect([...named].filter(([, family]) => family === null).map(([id]) => id)).toEqual([
    'Qwen/Qwen3-Next-80B-A3B-Instruct',
    'mistralai/Mistral-7B-Instruct-v0.3',
    'mistralai/Mistral-Small-24B-Instruct-2501',
  ])
})
