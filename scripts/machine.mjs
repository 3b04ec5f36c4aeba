import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './dev-cache.mjs'
import { startHeadless } from './headless.mjs'
import { createProgressLines } from './progress-lines.mjs'
import { prepareDemoModel } from './steps/demo-model.mjs'
import { installDependencies } from './steps/dependencies.mjs'
import { prepareElectron } from './steps/electron-runtime.mjs'
import { prepareNode } from './steps/node-runtime.mjs'
import { buildSqliteBinding } from './steps/sqlite-binding.mjs'
import { installSystemPackages } from './steps/system-packages.mjs'
import { prepareTrainerPython } from './steps/trainer-python.mjs'
import { prepareVocabularies } from './steps/vocabularies.mjs'
import { prepareWorkerPackage } from './steps/worker-package.mjs'
import { minimumOfRange } from './versions.mjs'

/** The repository's root folder. */
export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** The environment in which every tool runs: the project's Node and its installed commands first on PATH. */
export function toolEnvironment(root, node, base = process.env) {
  const folders = [path.dirname(node), path.join(root, 'node_modules', '.bin')]
  // Windows spells it Path, and a plain copy of the environment minds the spelling.
  const name = Object.keys(base).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  const env = { ...base, [name]: [...folders, base[name] ?? ''].join(path.delimiter) }
  // Left over from other Electron tools, it would start Electron as plain Node.
  delete env.ELECTRON_RUN_AS_NODE
  return env
}

async function prepareRuntime(context, needs) {
  const electron = needs.electron ? await prepareElectron(context) : undefined
  const binding = electron === undefined ? undefined : await buildSqliteBinding(context, electron)
  return { electron, binding }
}

async function preparePython(context, needs) {
  // One of the vocabularies comes out of the demo's base model.
  const needsModel = needs.demoModel || needs.vocabularies
  const python = needs.python || needsModel ? await prepareTrainerPython(context) : undefined
  if (python !== undefined) await prepareWorkerPackage({ ...context, python })
  const demoModel = needsModel ? await prepareDemoModel({ ...context, python }) : undefined
  if (needs.vocabularies) await prepareVocabularies({ ...context, demoModel })
  return { python, demoModel }
}

/**
 * Brings the machine up for what a task needs and resolves to what it found:
 * `env` for every program the task starts, and the runtime's own facts.
 * `needs.screen` is "virtual" (always a private one), "auto" (private when there is none) or absent.
 */
export async function prepareMachine(needs, options = {}) {
  const lines = createProgressLines(options.quiet ? process.stderr : process.stdout)
  const cache = cacheFolder()
  await mkdir(cache, { recursive: true })
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  const minimumNode = minimumOfRange(manifest.engines.node)
  const retryOfficial = options.retryElectron === true || process.env.TUNESMITH_RETRY_ELECTRON === '1'

  const useVirtual = needs.screen === 'virtual' || (needs.screen === 'auto' && needsVirtualScreen(options))
  const purposes = [
    ...(needs.electron ? ['window', 'compiler'] : []),
    ...(needs.screen !== undefined && useVirtual ? ['screen'] : []),
    ...(needs.python ? ['python'] : []),
  ]
  if (purposes.length > 0) await installSystemPackages({ lines }, purposes)
  const node = await prepareNode({ lines, cache, minimumNode })
  const env = toolEnvironment(ROOT, node)
  const context = { root: ROOT, cache, lines, node, nodeEnv: env, retryOfficial }
  await installDependencies(context)
  // One waits for the network while the other compiles.
  const [{ electron, binding }, { python, demoModel }] = await Promise.all([prepareRuntime(context, needs), preparePython(context, needs)])
  if (electron !== undefined) env.TUNESMITH_ELECTRON = electron.executable
  if (binding !== undefined) env.TUNESMITH_SQLITE_BINDING = binding
  if (python !== undefined) env.TUNESMITH_PYTHON = python
  if (needs.demoModel && demoModel !== undefined) env.TUNESMITH_DEMO_MODEL = demoModel
  if (useVirtual && process.platform === 'linux') Object.assign(env, await startHeadless({ lines }))
  return { root: ROOT, cache, lines, env, node, electron, binding, python, manifest }
}

/** Tells whether windows must go to a private screen: always under CI, and where there is no display unless one is asked for. */
export function needsVirtualScreen({ screen = false }, env = process.env, platform = process.platform) {
  if (platform !== 'linux') return false
  const hasDisplay = Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
  if (screen && hasDisplay) return false
  return !hasDisplay || Boolean(env.CI)
}
