import { existsSync } from 'node:fs'
import { constants, copyFile, cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cachedFolder, pruneUnused } from '../dev-cache.mjs'
import { ggufTokenizer } from '../gguf-vocabulary.mjs'
import { hashText } from '../integrity.mjs'
import { fetchNpmPackage } from '../npm-package.mjs'
import { runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'
import { vocabularyFamilies } from '../vocabulary-families.mjs'

const PREFIX = 'vocabularies-'
const STAMP = '.from'

/** Everything that decides what the packed files hold. */
const inputs = [
  'resources/models/catalogue.json',
  'main/features/datasets/engine/tokens/families.ts',
  'trainer/requirements-demo.txt',
  ...['character-classes', 'gguf-vocabulary', 'pack-vocabularies', 'pack-vocabulary', 'vocabulary-families'].map(
    (name) => `scripts/${name}.mjs`,
  ),
]

async function cacheName(root) {
  const texts = await Promise.all(inputs.map((file) => readFile(path.join(root, file), 'utf8')))
  return `${PREFIX}${hashText(...texts).slice(0, 16)}`
}

async function readLicence(folder) {
  const name = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
  return name === undefined ? '' : readFile(path.join(folder, name), 'utf8')
}

/** Fetches one family's package, keeps its two tokenizer files and its licence, and drops the rest at once: it is up to 250 MB. */
async function fetchSource(family, folder, report) {
  const unpacked = path.join(folder, 'unpacked')
  await fetchNpmPackage(family.package, unpacked, (detail) => report(`${family.family}: ${detail}`))
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) await cp(path.join(unpacked, 'models', file), path.join(folder, file))
  const { name, version, license } = JSON.parse(await readFile(path.join(unpacked, 'package.json'), 'utf8'))
  await writeFile(path.join(folder, 'origin.json'), JSON.stringify({ name, version, licence: license }))
  await writeFile(path.join(folder, 'LICENCE.txt'), await readLicence(unpacked))
  await rm(unpacked, { recursive: true, force: true })
}

/** The demo's base model holds its vocabulary; its Python package stands two folders above the file. */
async function extractFromModel(folder, demoModel) {
  const { tokenizerText, config } = await ggufTokenizer(demoModel)
  await writeFile(path.join(folder, 'tokenizer.json'), tokenizerText)
  await writeFile(path.join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  const packages = path.dirname(path.dirname(demoModel))
  const info = (await readdir(packages)).find((name) => name.endsWith('.dist-info'))
  if (info === undefined)
    throw stepError(`The demo's base model in ${packages} lacks its package information; delete that folder and try again.`)
  const [name, version] = info.replace('.dist-info', '').split('-')
  await writeFile(path.join(folder, 'origin.json'), JSON.stringify({ name: name.replaceAll('_', '-'), version, licence: 'Apache-2.0' }))
  await writeFile(path.join(folder, 'LICENCE.txt'), await readLicence(path.join(packages, info)))
}

async function build({ root, node, demoModel }, target, report) {
  const sources = path.join(target, 'sources')
  for (const family of vocabularyFamilies) {
    const folder = path.join(sources, family.family)
    await mkdir(folder, { recursive: true })
    if (family.package === null) await extractFromModel(folder, demoModel)
    else await fetchSource(family, folder, report)
  }
  const script = path.join(root, 'scripts', 'pack-vocabularies.mjs')
  const args = [script, sources, path.join(target, 'packed'), path.join(root, 'resources', 'models', 'catalogue.json')]
  const { code, tail } = await runCommand(node, args, { cwd: root, onLine: (line) => report(`packing ${line}`) })
  if (code !== 0) throw stepError(`The vocabularies could not be packed:\n${tail}`)
}

/** Puts the packed files into `out`, and a way to their sources where the tests look for it. */
async function publish(root, folder) {
  const target = path.join(root, 'out', 'vocabularies')
  const stamp = path.join(target, STAMP)
  const link = path.join(root, 'out', 'test', 'vocabulary-sources')
  if (existsSync(stamp) && existsSync(link) && (await readFile(stamp, 'utf8')) === folder) return
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  const packed = path.join(folder, 'packed')
  for (const name of await readdir(packed)) await copyFile(path.join(packed, name), path.join(target, name), constants.COPYFILE_FICLONE)
  await rm(link, { recursive: true, force: true })
  await mkdir(path.dirname(link), { recursive: true })
  await symlink(path.join(folder, 'sources'), link, 'junction')
  await writeFile(stamp, folder)
}

/**
 * Makes the packed vocabularies in `out/vocabularies` from pinned packages; a second run only looks at the cache.
 * `node` is the project's own Node, `demoModel` the file that `prepareDemoModel` resolves to. Resolves to the folder.
 */
export async function prepareVocabularies({ root, cache, lines, node, demoModel }) {
  return lines.step('Vocabularies', async (report) => {
    const { folder, built } = await cachedFolder(
      cache,
      await cacheName(root),
      (target) => build({ root, node, demoModel }, target, report),
      () => report('waiting for another set-up'),
    )
    await publish(root, folder)
    if (built) await pruneUnused(cache, PREFIX)
    const state = built ? 'fetched and packed' : 'ready'
    return { summary: `${vocabularyFamilies.length} families (${state})`, value: path.join(root, 'out', 'vocabularies') }
  })
}
