import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pythonStateSchema, type PythonState } from '../../../../preload/contract/endpoints.ts'
import { createPipReader, pipAdvice, pipFailure } from '../../../../main/integrations/python/pip-progress.ts'
import { createPythonEnvironment } from '../../../../main/integrations/python/python-environment.ts'
import { readGpuLine } from '../../../../main/integrations/python/training-device.ts'
import { systemClock } from '../../../../main/lib/clock.ts'
import { silentLog } from '../../../../main/lib/log.ts'

/** Stands in for Python: knows venv, pip and the probe, and fails or waits where a test says so. */
const fakePython = `#!/bin/sh
here="$(dirname "$0")"
case "$*" in
  *"-m venv"*) for folder in "$@"; do :; done; mkdir -p "$folder/bin"; cp "$0" "$folder/bin/python"; cp "$here/root" "$folder/bin/root" ;;
  *"--progress-bar"*)
    root="$(cat "$here/root")"
    echo "Collecting torch==2.13.0"
    echo "  Downloading torch-2.13.0-cp312.whl (190.1 MB)"
    echo "Progress 95000000 of 190000000"
    if [ -f "$root/hang" ]; then : > "$root/hanging"; sleep 600; fi
    if [ -f "$root/fail" ]; then echo "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"; exit 1; fi
    : > "$root/installed"; echo "Installing collected packages: torch" ;;
  *"-m pip"*) : ;;
  *"import importlib"*)
    root="$(cat "$here/root")"
    if [ -f "$root/installed" ]; then missing='[]'; else missing='["torch","runpod"]'; fi
    echo "{\\"version\\": [3, 12, 4], \\"executable\\": \\"$0\\", \\"missing\\": $missing}" ;;
esac
`

describe('Python environment', () => {
  let root = ''
  let python = ''
  let states: PythonState[] = []
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tunesmith-python-'))
    python = join(root, 'fake-python')
    states = []
    await writeFile(python, fakePython)
    await chmod(python, 0o755)
    await writeFile(join(root, 'root'), root)
    await writeFile(join(root, 'requirements.txt'), 'torch==2.13.0\n')
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const open = (options: { given?: string; hasPython?: boolean } = {}) =>
    createPythonEnvironment({
      folder: join(root, 'environment'),
      requirementsFile: join(root, 'requirements.txt'),
      givenPython: options.given,
      clock: systemClock,
      log: silentLog,
      onChanged: (state) => void states.push(pythonStateSchema.parse(state)),
      findPython: async () => (options.hasPython === false ? undefined : { executable: python, version: '3.12.4', missing: ['torch'] }),
    })

  it('sets up with progress a person can follow, and is ready after a restart without doing it again', async () => {
    const first = open()
    expect((await first.detect()).status).toBe('not_set_up')
    expect(first.executable()).toBeUndefined()
    await first.setUp()
    expect(states).toContainEqual({ status: 'setting_up', version: '3.12.4', message: 'Downloading torch: 95 of 190 MB', progress: 0.5 })
    expect(first.state()).toMatchObject({ status: 'ready', version: '3.12.4' })
    expect(first.executable()).toBe(join(root, 'environment', 'bin', 'python'))
    const second = open()
    expect((await second.detect()).status).toBe('ready')
  })

  it('a set-up that broke off is not mistaken for a complete one', async () => {
    await writeFile(join(root, 'hang'), '')
    const first = open()
    const setting = first.setUp().catch((error: unknown) => error)
    await untilStates(states, (state) => state.message.startsWith('Downloading torch'))
    await first.dispose()
    expect(await setting).toBeInstanceOf(Error)
    await rm(join(root, 'hang'))
    await writeFile(join(root, 'installed'), '')

    const second = open()
    expect((await second.detect()).status).toBe('not_set_up')
    await second.setUp()
    expect(second.state().status).toBe('ready')
  })

  it('a failed installation says why and what to do, and can be tried again', async () => {
    await writeFile(join(root, 'fail'), '')
    const environment = open()
    await expect(environment.setUp()).rejects.toMatchObject({
      code: 'PYTHON_SETUP_FAILED',
      message: expect.stringContaining('Free at least 6 GB'),
    })
    expect(environment.state()).toMatchObject({ status: 'failed', message: expect.stringContaining('No space left on device') })
    await rm(join(root, 'fail'))
    await environment.setUp()
    expect(environment.state().status).toBe('ready')
  })

  it('asks for an update when the trainer needs other packages', async () => {
    await open().setUp()
    await writeFile(join(root, 'requirements.txt'), 'torch==2.14.0\n')
    expect(await open().detect()).toMatchObject({ status: 'not_set_up', message: expect.stringContaining('needs other packages') })
  })

  it('says where to get Python when there is none', async () => {
    const environment = open({ hasPython: false })
    expect(await environment.detect()).toMatchObject({ status: 'missing', message: expect.stringContaining('python.org') })
    await expect(environment.setUp()).rejects.toMatchObject({ code: 'PYTHON_NOT_FOUND' })
  })

  it('uses the Python it is given, names what that lacks, and never changes it', async () => {
    const environment = open({ given: python })
    expect(await environment.detect()).toMatchObject({ status: 'failed', message: expect.stringContaining('lacks torch, runpod') })
    await expect(environment.setUp()).rejects.toMatchObject({ code: 'PYTHON_SETUP_FAILED' })
    await expect(readFile(join(root, 'environment', 'bin', 'python'))).rejects.toThrow('ENOENT')
    await writeFile(join(root, 'installed'), '')
    expect((await environment.detect()).status).toBe('ready')
    expect(environment.executable()).toBe(python)
  })

  it('a given Python that is none is named as the cause', async () => {
    expect(await open({ given: join(root, 'nothing') }).detect()).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('TUNESMITH_PYTHON'),
    })
  })
})

describe('pip output', () => {
  it('keeps the addresses of package servers out of what the user sees', () => {
    const lines = [
      'Looking in indexes: https://user:pw@pypi.example/simple',
      'ERROR: Could not find a version at https://user:pw@pypi.example/simple/torch',
    ]
    expect(pipFailure(lines)).toBe('Could not find a version at the package index')
    expect(pipAdvice(lines)).toContain('Python 3.11 or 3.12')
  })

  it('names the file a progress line belongs to', () => {
    const read = createPipReader()
    expect(read('  Downloading https://pypi.example/numpy-2.1.0-cp312.whl (16 MB)')).toEqual({
      message: 'Downloading numpy',
      progress: null,
    })
    expect(read('Progress 4000000 of 16000000')).toEqual({ message: 'Downloading numpy: 4.0 of 16 MB', progress: 0.25 })
    expect(read('Requirement already satisfied: six')).toBeUndefined()
  })

  it('reads the GPU line of nvidia-smi and nothing else', () => {
    expect(readGpuLine('NVIDIA H100 80GB HBM3, 81559')).toEqual({
      kind: 'cuda',
      name: 'NVIDIA H100 80GB HBM3',
      memoryBytes: 81559 * 1024 * 1024,
    })
    expect(readGpuLine("NVIDIA-SMI has failed because it couldn't communicate")).toBeUndefined()
  })
})

/** Resolves once a state has been shown. */
async function untilStates(states: readonly PythonState[], isWanted: (state: PythonState) => boolean): Promise<void> {
  while (!states.some(isWanted)) await new Promise((resolve) => setTimeout(resolve, 10))
}
