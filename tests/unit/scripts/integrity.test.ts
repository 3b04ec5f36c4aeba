import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashText, verifyIntegrity, verifySha256 } from '../../../scripts/integrity.mjs'

describe('integrity', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-integrity-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('catches a package that was altered by one byte', async () => {
    const file = join(folder, 'package.tgz')
    const content = Buffer.from('the pinned package')
    const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`
    await writeFile(file, content)
    await expect(verifyIntegrity(file, integrity, 'The package')).resolves.toBeUndefined()
    content[0] = (content[0] ?? 0) ^ 1
    await writeFile(file, content)
    await expect(verifyIntegrity(file, integrity, 'The package')).rejects.toThrow(/does not have the pinned sha512/)
  })

  it('catches an executable that was altered', async () => {
    const file = join(folder, 'electron')
    await writeFile(file, 'binary')
    const sha256 = createHash('sha256').update('binary').digest('hex')
    await expect(verifySha256(file, sha256, 'It')).resolves.toBeUndefined()
    await expect(verifySha256(file, '0'.repeat(64), 'It')).rejects.toThrow(/was not used/)
  })

  it('catches a cache key that cannot tell where one piece ends', () => {
    expect(hashText('ab', 'c')).not.toBe(hashText('a', 'bc'))
  })
})
