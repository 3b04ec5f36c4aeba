import { describe, expect, it } from 'vitest'
import { needsVirtualScreen, toolEnvironment } from '../../../scripts/machine.mjs'
import { buildFolderName } from '../../../scripts/package-app.mjs'
import { formatBytes, formatElapsed } from '../../../scripts/progress-lines.mjs'
import { ADDON_DEFINES, readDefines } from '../../../scripts/steps/sqlite-binding.mjs'
import { missingPackages } from '../../../scripts/steps/system-packages.mjs'
import { pinnedTorch, readPipLine } from '../../../scripts/steps/trainer-python.mjs'

describe('screen', () => {
  it('catches windows that open on a desktop where CI runs, or on none at all', () => {
    expect(needsVirtualScreen({}, {}, 'linux')).toBe(true)
    expect(needsVirtualScreen({}, { DISPLAY: ':0' }, 'linux')).toBe(false)
    expect(needsVirtualScreen({}, { DISPLAY: ':0', CI: 'true' }, 'linux')).toBe(true)
    expect(needsVirtualScreen({ screen: true }, { DISPLAY: ':0', CI: 'true' }, 'linux')).toBe(false)
    expect(needsVirtualScreen({ screen: true }, {}, 'linux')).toBe(true)
    expect(needsVirtualScreen({}, {}, 'darwin')).toBe(false)
  })
})

describe('environment', () => {
  it('catches the host Node found before the project one, and Electron started as Node', () => {
    const env = toolEnvironment('/repo', '/cache/node/bin/node', { PATH: '/usr/bin', ELECTRON_RUN_AS_NODE: '1' })
    expect(env.PATH).toBe('/cache/node/bin:/repo/node_modules/.bin:/usr/bin')
    expect(env).not.toHaveProperty('ELECTRON_RUN_AS_NODE')
  })
})

describe('system packages', () => {
  it('catches a renamed package reported as missing', () => {
    const wanted = [['libgtk-3-0t64', 'libgtk-3-0'], ['xvfb']]
    expect(missingPackages(wanted, new Set(['libgtk-3-0', 'xvfb']))).toEqual([])
    expect(missingPackages(wanted, new Set(['libgtk-3-0t64']))).toEqual([['xvfb']])
  })
})

describe('better-sqlite3', () => {
  it('catches SQLite built without the options of the original', () => {
    const gypi =
      "# made\n{\n  'defines': [\n    'HAVE_USLEEP=1',\n    'SQLITE_DEFAULT_CACHE_SIZE=-16000',\n    'SQLITE_ENABLE_FTS5',\n  ],\n}\n"
    expect(readDefines(gypi)).toEqual(['HAVE_USLEEP=1', 'SQLITE_DEFAULT_CACHE_SIZE=-16000', 'SQLITE_ENABLE_FTS5'])
  })

  it('catches an addon that asks a Node-API 9 host for level 10', () => {
    expect(ADDON_DEFINES).not.toContain('NAPI_VERSION=10')
    expect(ADDON_DEFINES).toContain('NAPI_VERSION=2147483647')
  })
})

describe('progress', () => {
  it('catches a download without a percentage', () => {
    expect(formatBytes(98_000_000, 196_000_000)).toBe('50 % of 196 MB')
    expect(formatBytes(12_000_000, undefined)).toBe('12 MB')
    expect(readPipLine('Progress 50000000 of 200000000')).toEqual({ bytes: '25 % of 200 MB' })
    expect(readPipLine('  Downloading torch-2.13.0-cp311-none-any.whl (190 MB)')).toEqual({ file: 'torch' })
    expect(readPipLine('Collecting torch')).toBeUndefined()
  })

  it('catches minutes printed as thousands of seconds', () => {
    expect(formatElapsed(3210)).toBe('3.2 s')
    expect(formatElapsed(185_000)).toBe('3 min 05 s')
  })
})

describe('packages', () => {
  it('catches a development build that looks like a release', () => {
    expect(buildFolderName({ isDevelopmentOnly: true, platform: 'linux', arch: 'x64' })).toBe('tunesmith-development-linux-x64')
    expect(buildFolderName({ isDevelopmentOnly: false, platform: 'linux', arch: 'x64' })).toBe('tunesmith-linux-x64')
  })
})

describe('PyTorch', () => {
  it('catches a machine with a CUDA device that gets the CPU build', () => {
    expect(pinnedTorch('# worker\ntorch==2.13.0\ntorchvision==0.1')).toBe('2.13.0')
    expect(pinnedTorch('transformers==5.17.0')).toBeUndefined()
  })
})
