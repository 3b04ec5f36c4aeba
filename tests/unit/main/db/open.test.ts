import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../../main/db/open.ts'

let path = ''
beforeEach(() => void (path = join(mkdtempSync(join(tmpdir(), 'open-')), 'app.sqlite')))
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }))

describe('opening a damaged database', () => {
  it('a file that is no database is named as damaged in plain words and left as it is', () => {
    const content = 'this was once a database '.repeat(100)
    writeFileSync(path, content)
    expect(() => openDatabase({ path })).toThrow(
      expect.objectContaining({ code: 'DATABASE_DAMAGED', message: expect.stringContaining('backups') }),
    )
    expect(readFileSync(path, 'utf8')).toBe(content)
  })

  it('another problem, like a folder that is not there, is not called damage', () => {
    expect(() => openDatabase({ path: join(path, 'gone', 'app.sqlite') })).toThrow(/directory does not exist/)
  })
})
