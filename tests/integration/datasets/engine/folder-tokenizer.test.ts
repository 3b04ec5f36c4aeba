import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { trainerTemplates } from '../../../../main/features/datasets/engine/tokens/folder-tokenizer.ts'
import type { TokenModel } from '../../../../main/features/datasets/engine/open-dataset.ts'
import { packedPath, sourcePath } from '../../../unit/main/datasets/engine/tokens/reference.ts'
import { chatRow, createEngineLab, type EngineLab } from './engine-lab.ts'

let lab: EngineLab
beforeEach(() => {
  lab = createEngineLab()
})
afterEach(() => lab.close())

const family = 'smollm2'
const files = ['tokenizer.json', 'tokenizer_config.json'] as const
const rows = [
  chatRow('Grüße, 日本 \u{1f600}', 'An answer,\n\n  indented.'),
  chatRow("it's 2026", 'Yes — it is.'),
  ...Array.from({ length: 20 }, (_, at) => chatRow(`question ${at} ${'word '.repeat(at)}`, `answer ${at}`)),
]
const packed: TokenModel = { modelId: 'a', modelName: 'a', tokenizer: { kind: 'packed', path: packedPath(family) } }

function modelFolder(): { path: string; model: TokenModel } {
  const path = join(lab.folder, 'model')
  mkdirSync(path)
  return { path, model: { modelId: `folder:${path}`, modelName: 'model', tokenizer: { kind: 'folder', path } } }
}

it('counts with the tokenizer and template of a model’s folder as with the packed ones of the same model', async () => {
  const { path, model } = modelFolder()
  for (const name of files) copyFileSync(sourcePath(family, name), join(path, name))
  await lab.engine.open(lab.request(lab.write('data.jsonl', rows.join('\n'))))
  const expected = await lab.engine.countTokens('data', packed)
  const counted = await lab.engine.countTokens('data', model)
  expect(counted.tokens).toEqual({ ...expected.tokens, modelId: model.modelId, modelName: model.modelName })
  expect(counted.tokens?.trained).toBeGreaterThan(0)
})

it('says what is wrong with a folder, and counts once the folder is mended', async () => {
  const { path, model } = modelFolder()
  await lab.engine.open(lab.request(lab.write('data.jsonl', rows.join('\n'))))
  await expect(lab.engine.countTokens('data', model)).rejects.toMatchObject({ code: 'MODEL_FOLDER_INVALID' })
  writeFileSync(join(path, 'tokenizer.json'), '{"version": 1')
  await expect(lab.engine.countTokens('data', model)).rejects.toMatchObject({ code: 'MODEL_FOLDER_INVALID' })
  for (const name of files) copyFileSync(sourcePath(family, name), join(path, name))
  expect((await lab.engine.countTokens('data', model)).tokens?.rows).toBe(rows.length)
})

it('gives models without a template the same one as the trainer does', () => {
  const python = process.env['TUNESMITH_PYTHON'] ?? 'python3'
  const script =
    'import json; from data.chat_template import CHATML_TEMPLATE, PLAIN_TEMPLATE; print(json.dumps([PLAIN_TEMPLATE, CHATML_TEMPLATE]))'
  const printed = execFileSync(python, ['-c', script], { cwd: join(import.meta.dirname, '../../../../trainer'), encoding: 'utf8' })
  expect([trainerTemplates.plain, trainerTemplates.chatMl]).toEqual(JSON.parse(printed))
})
