import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { cachedFolder, pruneUnused } from '../dev-cache.mjs'
import { hashText } from '../integrity.mjs'
import { formatBytes } from '../progress-lines.mjs'
import { readCommand, runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'
import { isAtLeast } from '../versions.mjs'

const MINIMUM_PYTHON = '3.10'
// The first pip whose progress can be read by a program is 24.1.
const PIP = 'pip==25.3'
const REQUIREMENT_FILES = ['requirements.txt', 'requirements-dev.txt']
const CANDIDATES = ['python3', 'python3.12', 'python3.11', 'python3.13', 'python3.10', 'python']

async function findPython() {
  const script = 'import sys; print("%d.%d.%d %s" % (*sys.version_info[:3], sys.executable))'
  for (const name of CANDIDATES) {
    const answer = await readCommand(name, ['-c', script])
    if (answer === undefined) continue
    const [version, executable] = answer.trim().split(/ (.*)/)
    if (isAtLeast(version, MINIMUM_PYTHON)) return executable
  }
  throw stepError(`No Python of version ${MINIMUM_PYTHON} or later was found; install one and run the same command again.`)
}

async function hasCudaDevice() {
  // The driver's own marks, the last one under WSL: without any, the slow question is spared.
  if (process.platform === 'linux' && !['/proc/driver/nvidia', '/dev/nvidiactl', '/dev/dxg'].some((mark) => existsSync(mark))) return false
  const listed = await readCommand('nvidia-smi', ['-L'], { timeoutMs: 10_000 })
  return listed !== undefined && /^GPU \d+:/m.test(listed)
}

/** What one line of pip's output says about its progress, or undefined when it says nothing of use. */
export function readPipLine(text) {
  const bytes = /^Progress (\d+) of (\d+)/.exec(text.trim())
  if (bytes !== null) return { bytes: formatBytes(Number(bytes[1]), Number(bytes[2])) }
  const file = /^\s*(?:Downloading|Using cached|Processing) (?:\S*\/)?([^\s/]+)/.exec(text)
  if (file !== null) return { file: file[1].split('-')[0] }
  return text.startsWith('Installing collected packages') ? { file: 'installing' } : undefined
}

/** Runs pip for one environment, reporting which file it is at and how far. */
export async function pipInstall(python, args, report) {
  let file = ''
  const { code, tail } = await runCommand(python, ['-m', 'pip', 'install', '--disable-pip-version-check', ...args], {
    onLine: (text) => {
      const seen = readPipLine(text)
      if (seen?.file !== undefined) file = seen.file
      if (seen !== undefined) report([file, seen.bytes].filter(Boolean).join(' '))
    },
  })
  if (code === 0) return
  const reason =
    tail.find((text) => text.startsWith('ERROR: ')) ?? tail.findLast((text) => !text.startsWith('WARNING')) ?? 'no reason given'
  throw stepError(
    `pip could not install the trainer's packages (${reason.replace(/https?:\/\/\S+/g, 'the package index')}); check the network and pip's settings, then run the same command again.`,
  )
}

/** The exact release of PyTorch that the requirements pin, or undefined when they pin none. */
export function pinnedTorch(requirements) {
  return /^torch==(\S+)/m.exec(requirements)?.[1]
}

async function createEnvironment(base, folder, { files, torch }, report) {
  report('creating the virtual environment')
  const made = await runCommand(base, ['-m', 'venv', folder])
  if (made.code !== 0) {
    throw stepError(
      'Python could not create a virtual environment; install its venv module (Debian: apt-get install python3-venv) and run the same command again.',
    )
  }
  const python = environmentPython(folder)
  await pipInstall(python, ['--quiet', PIP], report)
  // `===` refuses a CPU-only build ("2.13.0+cpu"), which pip would otherwise prefer where its settings offer one.
  if (torch !== undefined) await pipInstall(python, ['--progress-bar', 'raw', '--no-compile', `torch===${torch}`], report)
  await pipInstall(python, ['--progress-bar', 'raw', '--no-compile', ...files.flatMap((file) => ['-r', file])], report)
}

function environmentPython(folder) {
  return process.platform === 'win32' ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python')
}

/** Makes the trainer's virtual environment from the pinned requirements; resolves to its Python. */
export async function prepareTrainerPython({ root, cache, lines }) {
  return lines.step('Trainer Python', async (report) => {
    const files = REQUIREMENT_FILES.map((name) => path.join(root, 'trainer', name)).filter((file) => existsSync(file))
    if (files.length === 0) throw stepError('trainer/requirements.txt is missing; check out the whole repository.')
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
    const device = (await hasCudaDevice()) ? 'cuda' : 'cpu'
    const torch = device === 'cuda' ? pinnedTorch(texts.join('\n')) : undefined
    const name = `trainer-${hashText(device, PIP, ...texts).slice(0, 16)}`
    const { folder, built } = await cachedFolder(
      cache,
      name,
      async (target) => createEnvironment(await findPython(), target, { files, torch }, report),
      () => report('waiting for another set-up'),
      // It only points at the Python that it was made with, which may have been removed since.
      (made) => existsSync(environmentPython(made)),
    )
    if (built) await pruneUnused(cache, 'trainer-')
    const python = environmentPython(folder)
    return { summary: `with its packages (${built ? 'installed' : 'ready'})`, value: python }
  })
}
