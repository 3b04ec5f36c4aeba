import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTokenModels } from '../../../../main/features/datasets/token-models.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'token-models-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const origin = { registry: 'npm', name: 'a-tokenizer', version: '1.2.3', licence: 'MIT', text: 'Permission is hereby granted.' }
const vocabulary = (family: string, licence: string) => ({ family, title: family, licence, package: origin })

describe('vocabularies that come with the app', () => {
  it('are all listed with both licences, also those of models that the catalogue does not offer', async () => {
    const shipped = [vocabulary('qwen3', 'Apache-2.0'), vocabulary('deepseek_v3', 'MIT')]
    writeFileSync(join(folder, 'licences.json'), JSON.stringify({ vocabularies: shipped.map((one) => ({ ...one, modelIds: [] })) }))
    expect(await createTokenModels(folder, []).listVocabularies()).toEqual(shipped)
  })

  it('are none where the list is missing, instead of an error in the settings', async () => {
    expect(await createTokenModels(folder, []).listVocabularies()).toEqual([])
  })
})
