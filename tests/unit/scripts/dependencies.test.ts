import { describe, expect, it } from 'vitest'
import { countLockedPackages, dependencyStamp, lacksOptionalPackages } from '../../../scripts/steps/dependencies.mjs'

const lockfile = (packages: Record<string, unknown>) => JSON.stringify({ lockfileVersion: 3, packages })

describe('dependencies', () => {
  it('catches a changed lockfile that is not installed', () => {
    const manifest = '{"dependencies":{"a":"1.0.0"}}'
    expect(dependencyStamp('lock 1', manifest)).not.toBe(dependencyStamp('lock 2', manifest))
  })

  it('catches a reinstall caused by a script or a version that no package depends on', () => {
    const before = '{"version":"0.1.0","scripts":{"a":"b"},"dependencies":{"a":"1.0.0"}}'
    const after = '{"version":"0.2.0","dependencies":{"a":"1.0.0"}}'
    expect(dependencyStamp('lock', before)).toBe(dependencyStamp('lock', after))
    expect(dependencyStamp('lock', before)).not.toBe(dependencyStamp('lock', '{"dependencies":{"a":"2.0.0"}}'))
  })

  it('catches a lockfile without other platforms, which npm ci refuses', () => {
    const parent = { optionalDependencies: { '@tool/win32': '1.0.0' } }
    expect(lacksOptionalPackages(lockfile({ '': {}, 'node_modules/tool': parent }))).toBe(true)
    const complete = { '': {}, 'node_modules/tool': parent, 'node_modules/tool/node_modules/@tool/win32': {} }
    expect(lacksOptionalPackages(lockfile(complete))).toBe(false)
  })

  it('catches the root counted as a package', () => {
    expect(countLockedPackages(lockfile({ '': {}, 'node_modules/a': {}, 'node_modules/b': {} }))).toBe(2)
  })
})
