import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadCatalogue } from '../../../../main/features/models/catalogue.ts'
import { createModelHandlers } from '../../../../main/features/models/handlers.ts'
import { createModelService } from '../../../../main/features/models/service.ts'

let root = ''
let picked: string | null = null
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'models-'))
})
afterAll(() => rmSync(root, { recursive: true }))

const service = createModelService({
  catalogue: loadCatalogue(fileURLToPath(new URL('../../../../resources/models', import.meta.url))),
  pickModelFolder: () => Promise.resolve(picked),
})

let made = 0
function folder(files: Record<string, string>): string {
  const path = join(root, `my-model-${(made += 1)}`)
  mkdirSync(path)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  return path
}
const complete = (config: string) => folder({ 'config.json': config, 'model.safetensors': '', 'tokenizer.json': '{}' })
const describeFolder = (path: string) => service.describe({ kind: 'folder', path })
const hub = (id: string) => service.describe({ kind: 'huggingface', id, revision: null })

describe('describing a base model', () => {
  it('knows catalogue models whatever the case of the id', async () => {
    expect(await hub('qwen/qwen3-8b')).toEqual({
      label: 'Qwen3 8B',
      isGated: false,
      family: 'qwen',
      parameters: 8190735360,
      hiddenSize: 4096,
      contextLength: 40960,
    })
  })

  it('invents no figures for a model it does not know', async () => {
    expect(await hub('someone/tuned-Mistral-7b')).toEqual({
      label: 'someone/tuned-Mistral-7b',
      isGated: null,
      family: 'mistral',
      parameters: null,
      hiddenSize: null,
      contextLength: null,
    })
    expect((await hub('a/b')).family).toBe('other')
  })

  it('reads a folder’s config, the text part of a multi-modal one too', async () => {
    const plain = complete('{"model_type":"llama","hidden_size":576,"max_position_embeddings":8192}')
    expect(await describeFolder(plain)).toMatchObject({ family: 'llama', hiddenSize: 576, contextLength: 8192, parameters: null })
    const nested = complete('{"architectures":["Gemma3ForConditionalGeneration"],"text_config":{"hidden_size":2560}}')
    expect(await describeFolder(nested)).toMatchObject({ family: 'gemma', hiddenSize: 2560, contextLength: null })
  })

  it('takes wrong values in a config as unknown', async () => {
    const odd = complete('{"model_type":7,"architectures":"x","hidden_size":"576","max_position_embeddings":-1,"text_config":[]}')
    expect(await describeFolder(odd)).toMatchObject({ family: 'other', hiddenSize: null, contextLength: null })
  })
})

describe('choosing a folder', () => {
  it('answers with the folder, or null when the dialog was closed', async () => {
    picked = complete('{}')
    expect(await service.pickFolder(1)).toEqual({ kind: 'folder', path: picked })
    picked = null
    expect(await createModelHandlers(service)['models.pickFolder']({}, { windowId: 1, droppedPath: null })).toBeNull()
  })

  it.each([
    ['an empty folder', {}, 'config.json, the weights (*.safetensors), the tokenizer'],
    ['a folder with pickled weights', { 'config.json': '{}', 'pytorch_model.bin': '', 'tokenizer.json': '{}' }, 'can run code'],
    ['a broken config', { 'config.json': '{', 'a.safetensors': '', 'tokenizer.model': '' }, 'cannot be read as JSON'],
  ])('%s is refused, saying what is missing', async (_title, files, message) => {
    picked = folder(files)
    await expect(service.pickFolder(1)).rejects.toMatchObject({ code: 'MODEL_FOLDER_INVALID', message: expect.stringContaining(message) })
  })

  it('a folder that is gone is refused', async () => {
    await expect(describeFolder(join(root, 'gone'))).rejects.toMatchObject({ code: 'MODEL_FOLDER_INVALID' })
  })
})
