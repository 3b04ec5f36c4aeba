import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { PythonState } from '../../../preload/contract/endpoints.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import { writeFileAtomically } from '../../lib/atomic-file.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { endProcessTree } from '../processes/process-tree.ts'
import { runCommand, type CommandResult } from '../processes/run-command.ts'
import { findSystemPython, oldestPython, probePython, type FoundPython } from './find-python.ts'
import { createPipReader, pipAdvice, pipFailure } from './pip-progress.ts'

/** The Python that runs the trainer on this computer. */
export interface PythonEnvironment {
  state(): PythonState
  /** The interpreter once it is ready. */
  executable(): string | undefined
  /** Looks what is there; cheap enough for every start. */
  detect(): Promise<PythonState>
  /** Creates the environment and installs the trainer's packages; rejects with what to do. */
  setUp(): Promise<void>
  /** Stops a set-up that is under way; the next one begins anew. */
  dispose(): Promise<void>
}

interface EnvironmentDependencies {
  /** The app's own virtual environment. */
  readonly folder: string
  readonly requirementsFile: string
  /** A Python that was set up elsewhere and is used as it is. */
  readonly givenPython: string | undefined
  readonly clock: Clock
  readonly log: Log
  onChanged(state: PythonState): void
  /** Finds the Python an environment is made from. */
  readonly findPython?: () => Promise<FoundPython | undefined>
}

/** The first pip whose progress a program can read is 24.1. */
const pip = 'pip==25.3'
const markerName = 'tunesmith-environment.json'
const markerSchema = z.object({ requirementsSha256: z.string(), version: z.string() })
const importCheck = 'import torch, transformers, peft, accelerate, safetensors, jsonschema, runpod'
const importLimitMs = 180_000
const pythonName = `Python ${oldestPython.major}.${oldestPython.minor} or later`

/** Builds the environment's keeper; a marker file written last tells a complete environment from a broken one. */
export function createPythonEnvironment(dependencies: EnvironmentDependencies): PythonEnvironment {
  const { folder, givenPython, clock, log, findPython = findSystemPython } = dependencies
  const marker = join(folder, markerName)
  const ownPython = process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')
  let state: PythonState = { status: 'not_set_up', version: null, message: 'Looking for Python.', progress: null }
  let ready: string | undefined
  let settingUp: Promise<void> | null = null
  const life = new AbortController()
  const running = new Set<number>()

  const show = (next: PythonState): PythonState => {
    ready = next.status === 'ready' ? (givenPython ?? ownPython) : undefined
    state = next
    dependencies.onChanged(next)
    return next
  }
  const working = (message: string, progress: number | null = null) =>
    show({ status: 'setting_up', version: state.version, message, progress })
  const detectNow = async (): Promise<PythonState> => {
    if (givenPython !== undefined && givenPython !== '') return checkGiven(givenPython)
    const [text, wanted] = await Promise.all([readFile(marker, 'utf8').catch(() => ''), requirementsHash(dependencies.requirementsFile)])
    const recorded = markerSchema.safeParse(parseJson(text))
    const own = recorded.success ? await probePython(ownPython) : undefined
    if (own !== undefined && own.missing.length === 0 && recorded.data?.requirementsSha256 === wanted) return readyState(own.version)
    const system = await findPython()
    if (system === undefined) {
      return {
        status: 'missing',
        version: null,
        message: `${pythonName} was not found on this computer. Install it from python.org, then set up.`,
        progress: null,
      }
    }
    const message = recorded.success
      ? 'The trainer needs other packages than those installed. Set up again to update them.'
      : `Python ${system.version} was found. Set up installs PyTorch and the trainer's packages (several GB).`
    return { status: 'not_set_up', version: system.version, message, progress: null }
  }

  const run = async (program: string, args: readonly string[], onLine?: (line: string) => void): Promise<CommandResult> => {
    life.signal.throwIfAborted()
    let pid: number | undefined
    const result = await runCommand(program, args, {
      env: { ...process.env, PYTHONUTF8: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1' },
      onStarted(started) {
        pid = started
        running.add(started)
      },
      ...(onLine === undefined ? {} : { onLine }),
    })
    if (pid !== undefined) running.delete(pid)
    life.signal.throwIfAborted()
    return result
  }
  const installPackages = async () => {
    working('Updating the package installer')
    const upgraded = await run(ownPython, ['-m', 'pip', 'install', '--quiet', pip])
    if (upgraded.code !== 0) throw installFailure(upgraded)
    const read = createPipReader()
    const args = ['-m', 'pip', 'install', '--progress-bar', 'raw', '-r', dependencies.requirementsFile]
    const installed = await run(ownPython, args, (line) => {
      log.debug('pip', { line })
      const seen = read(line)
      if (seen !== undefined) working(seen.message, seen.progress)
    })
    if (installed.code !== 0) throw installFailure(installed)
  }
  const build = async () => {
    working('Looking for Python')
    const base = await findPython()
    if (base === undefined)
      throw new AppError('PYTHON_NOT_FOUND', `${pythonName} was not found. Install it from python.org, then set up again.`)
    state = { ...state, version: base.version }
    working('Creating the environment')
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const made = await run(base.executable, ['-m', 'venv', folder])
    if (made.code !== 0) throw venvFailure(made)
    await installPackages()
    working('Checking the packages')
    const checked = await runCommand(ownPython, ['-I', '-c', importCheck], { timeoutMs: importLimitMs })
    life.signal.throwIfAborted()
    if (checked.code !== 0)
      throw new AppError(
        'PYTHON_SETUP_FAILED',
        `The packages are installed but do not load: ${checked.lines.at(-1) ?? 'no reason was given'}. Set up again.`,
      )
    const requirementsSha256 = await requirementsHash(dependencies.requirementsFile)
    await writeFileAtomically(marker, JSON.stringify({ requirementsSha256, version: base.version }))
    show(readyState(base.version))
  }
  const setUpOnce = async () => {
    const before = show(await detectNow())
    if (before.status === 'ready') return
    if (givenPython !== undefined && givenPython !== '') throw new AppError('PYTHON_SETUP_FAILED', before.message)
    try {
      await build()
    } catch (error) {
      if (life.signal.aborted) throw life.signal.reason
      log.error('Python could not be set up', error)
      const failure =
        error instanceof AppError
          ? error
          : new AppError('PYTHON_SETUP_FAILED', 'Python could not be set up. Set up again; the log file has the details.', { cause: error })
      const status = failure.code === 'PYTHON_NOT_FOUND' ? 'missing' : 'failed'
      show({ status, version: state.version, message: failure.message, progress: null })
      throw failure
    }
  }

  return {
    state: () => state,
    executable: () => ready,
    async detect() {
      return settingUp === null ? show(await detectNow()) : state
    },
    setUp() {
      settingUp ??= setUpOnce().finally(() => {
        settingUp = null
      })
      return settingUp
    },
    async dispose() {
      life.abort(new Error('The app is closing'))
      await Promise.all([...running].map((rootPid) => endProcessTree({ rootPid, mark: null }, { graceMs: 0, clock })))
      await settingUp?.catch(() => undefined)
    },
  }
}

async function checkGiven(program: string): Promise<PythonState> {
  const found = await probePython(program)
  if (found === undefined) {
    return {
      status: 'failed',
      version: null,
      message: `TUNESMITH_PYTHON does not name ${pythonName}. Correct or remove it, then start the app again.`,
      progress: null,
    }
  }
  if (found.missing.length > 0) {
    const message = `The Python named by TUNESMITH_PYTHON lacks ${found.missing.join(', ')}. Install the packages of the trainer's requirements.txt into it.`
    return { status: 'failed', version: found.version, message, progress: null }
  }
  return readyState(found.version)
}

function readyState(version: string): PythonState {
  return { status: 'ready', version, message: `Python ${version} with the trainer's packages is ready.`, progress: null }
}

async function requirementsHash(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

function installFailure({ lines, failure }: CommandResult): AppError {
  const reason = failure ?? pipFailure(lines)
  return new AppError('PYTHON_SETUP_FAILED', `The trainer's packages could not be installed: ${reason}. ${pipAdvice(lines)}`)
}

function venvFailure({ lines, failure }: CommandResult): AppError {
  const lacksVenv = lines.some((line) => /ensurepip|No module named venv/.test(line))
  const advice = lacksVenv
    ? "Install Python's venv module (on Debian and Ubuntu: the package python3-venv), then set up again."
    : 'Set up again; the log file has the whole output.'
  return new AppError(
    'PYTHON_SETUP_FAILED',
    `Python could not create an environment: ${failure ?? lines.at(-1) ?? 'no reason was given'}. ${advice}`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No marker, or one cut off by a crash: the environment is not complete.
    return undefined
  }
}
