import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { familyOf } from '../main/features/datasets/engine/tokens/families.ts'
import { packVocabulary } from './pack-vocabulary.mjs'
import { vocabularyFamilies } from './vocabulary-families.mjs'

// Run by scripts/steps/vocabularies.mjs with the project's own Node, whose character tables are known:
// node pack-vocabularies.mjs SOURCES TARGET CATALOGUE

const [sources = '', target = '', catalogue = ''] = process.argv.slice(2)

async function licenceOf({ family, model, package: source }, modelIds) {
  const { name, version, licence } = JSON.parse(await readFile(path.join(sources, family, 'origin.json'), 'utf8'))
  const text = await readFile(path.join(sources, family, 'LICENCE.txt'), 'utf8')
  return {
    family,
    title: model.title,
    licence: model.licence,
    modelIds: modelIds.filter((id) => familyOf(id) === family),
    package: { registry: source === null ? 'PyPI' : 'npm', name, version, licence, text },
  }
}

const models = JSON.parse(await readFile(catalogue, 'utf8')).map(({ id }) => id)
await mkdir(target, { recursive: true })
const vocabularies = []
for (const family of vocabularyFamilies) {
  process.stdout.write(`${family.family}\n`)
  const folder = path.join(sources, family.family)
  const tokenizerText = await readFile(path.join(folder, 'tokenizer.json'), 'utf8')
  const config = JSON.parse(await readFile(path.join(folder, 'tokenizer_config.json'), 'utf8'))
  await writeFile(path.join(target, `${family.family}.vocabulary`), packVocabulary(family, tokenizerText, config))
  vocabularies.push(await licenceOf(family, models))
}
await writeFile(path.join(target, 'licences.json'), `${JSON.stringify({ vocabularies }, null, 2)}\n`)
