import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeFileAtomically } from '../../../../main/lib/atomic-file.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'atomic-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('writeFileAtomically', () => {
  it('replaces the whole file and leaves nothing else behind', async () => {
    const path = join(folder, 'state.json')
    await writeFileAtomically(path, 'a long first version')
    await writeFileAtomically(path, 'short')
    expect(readFileSync(path, 'utf8')).toBe('short')
    expect(readdirSync(folder)).toEqual(['state.json'])
  })

  it('a failed write keeps the old content and cleans up its temporary file', async () => {
    const target = join(folder, 'in-the-way')
    mkdirSync(join(target, 'child'), { recursive: true })
    await expect(writeFileAtomically(target, 'x')).rejects.toThrow(/in-the-way/)
    expect(readdirSync(folder)).toEqual(['in-the-way'])
    expect(statSync(join(target, 'child')).isDirectory()).toBe(true)
  })

  it('many writers at once leave one complete version', async () => {
    const path = join(folder, 'state.json')
    const versions = Array.from({ length: 20 }, (_, index) => String(index).repeat(50_000))
    await Promise.all(versions.map((version) => writeFileAtomically(path, version)))
    expect(versions).toContain(readFileSync(path, 'utf8'))
    expect(readdirSync(folder)).toEqual(['state.json'])
  })
})
