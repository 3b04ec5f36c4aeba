import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'

const hashOf = (data) => createHash('sha256').update(data).digest('hex')

async function readOrNothing(file) {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return ''
    throw error
  }
}

/** The stock image of the bootstrap: the base that the worker's own image is built on, too. */
async function baseImage(root) {
  const dockerfile = await readFile(path.join(root, 'trainer', 'image', 'Dockerfile'), 'utf8')
  const named = /^ARG BASE=(\S+)/m.exec(dockerfile)?.[1]
  if (named === undefined) throw stepError('trainer/image/Dockerfile names no base image (ARG BASE=…).')
  return named
}

/**
 * Packs the worker's code as it goes on a network volume into `out/worker`, with `worker.json` that says where each file
 * belongs there and how an endpoint starts it. Resolves to the folder.
 */
export async function prepareWorkerPackage({ root, python, lines }) {
  return lines.step('Worker package', async () => {
    const target = path.join(root, 'out', 'worker')
    const building = `${target}.building`
    await rm(building, { recursive: true, force: true })
    await mkdir(building, { recursive: true })
    const printed = []
    const script = path.join(root, 'trainer', 'image', 'pack_code.py')
    const { code, tail } = await runCommand(python, [script, '--out', building], { cwd: root, onLine: (line) => printed.push(line) })
    if (code !== 0) throw stepError(`The worker's code could not be packed:\n${tail}`)
    const { files, env, start_command: startCommand } = JSON.parse(printed.join('\n'))
    const packed = await Promise.all(
      Object.keys(files).map(async (key) => ({ key, sha256: hashOf(await readFile(path.join(building, ...key.split('/')))) })),
    )
    const description = { image: await baseImage(root), startCommand, env, files: packed }
    const text = `${JSON.stringify(description, null, 1)}\n`
    const summary = `code ${String(env.TUNESMITH_CODE_SHA256).slice(0, 12)}`
    // An app that runs may be reading it: what is the same is left alone.
    if ((await readOrNothing(path.join(target, 'worker.json'))) === text) {
      await rm(building, { recursive: true })
      return { summary: `${summary} (ready)`, value: target }
    }
    await writeFile(path.join(building, 'worker.json'), text)
    await rm(target, { recursive: true, force: true })
    await rename(building, target)
    return { summary, value: target }
  })
}
