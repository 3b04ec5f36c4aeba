import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rowFilterSchema, type DatasetEdit } from '../../../../preload/contract/datasets.ts'
import type { EditRecord } from '../../../../main/features/datasets/engine/edits/history.ts'
import { chatRow, createEngineLab, type EngineLab } from './engine-lab.ts'

let lab: EngineLab
beforeEach(() => {
  lab = createEngineLab()
})
afterEach(() => lab.close())

const all = rowFilterSchema.parse({})
const byLine = { by: 'line', descending: false } as const
const page = { offset: 0, limit: 200 }
const chosen = (...rows: number[]) => ({ kind: 'rows', rows }) as const

const good = chatRow('Who runs?', 'The cat.')
const alias = chatRow('Alias?', 'Yes.').replace('"assistant"', '"bot"')
const mail = chatRow('Write to anna.berg@example.org', 'Done, anna.berg@example.org.')
const source = [good, alias, good, mail, '{"messages":[{"role":"user","content":"cut'].join('\n')

async function openSource(edits: EditRecord[] = [], version = edits.length) {
  const path = lab.write('data.jsonl', source)
  await lab.engine.open(lab.request(path, { edits, version }))
  return path
}
const edit = (change: DatasetEdit) => lab.engine.applyEdit('data', change, 5)

describe('edits', () => {
  it('fix, drop, redact and replace change the figures, never the file, and come back one by one', async () => {
    const path = await openSource()
    const before = lab.engine.state('data')
    expect(before.stats).toMatchObject({ rows: 5, validRows: 3, errorRows: 2, duplicateRows: 1, droppedRows: 0 })
    const aliasRule = lab.engine.listIssues('data').find(({ rule }) => rule.startsWith('role.'))?.rule ?? ''
    const records: EditRecord[] = []
    for (const change of [
      { kind: 'fix', rule: aliasRule },
      { kind: 'drop_duplicates', of: 'exact' },
      { kind: 'redact', flags: ['privacy.email'], choice: { kind: 'filter', filter: all } },
      { kind: 'replace', row: 4, text: chatRow('Mended', 'by hand') },
    ] satisfies DatasetEdit[]) {
      records.push((await edit(change)).record)
    }
    const after = lab.engine.state('data')
    expect(after).toMatchObject({ version: 4, stats: { validRows: 4, errorRows: 0, duplicateRows: 0, droppedRows: 1, editedRows: 3 } })
    expect(lab.engine.getRow('data', 1).messages[1]).toMatchObject({ role: 'assistant', content: 'Yes.' })
    expect(lab.engine.getRow('data', 3).raw).not.toContain('anna')
    expect(readFileSync(path, 'utf8')).toBe(source)
    expect(lab.engine.listIssues('data').filter(({ severity }) => severity === 'error')).toEqual([])

    await openSource(records)
    expect(lab.engine.state('data')).toEqual(after)
    for (const version of [3, 2, 1, 0]) lab.engine.goToVersion('data', version)
    expect(lab.engine.state('data')).toEqual({ ...before, edits: 4 })
    expect(lab.engine.goToVersion('data', 4)).toEqual(after)
  })

  it('a new edit after an undo forgets what was taken back', async () => {
    await openSource()
    await edit({ kind: 'drop', choice: chosen(0) })
    await edit({ kind: 'drop', choice: chosen(1) })
    lab.engine.goToVersion('data', 1)
    const { state } = await edit({ kind: 'drop', choice: chosen(3) })
    expect(state).toMatchObject({ version: 2, edits: 2, stats: { droppedRows: 2 } })
    expect(lab.engine.listVersions('data').map(({ title, isCurrent }) => [title, isCurrent])).toEqual([
      ['As imported', false],
      ['Dropped 1 row', false],
      ['Dropped 1 row', true],
    ])
  })

  it('shows what lies between two versions, and leaves out what ends up as it was', async () => {
    await openSource()
    await edit({ kind: 'drop', choice: chosen(0, 1) })
    await edit({ kind: 'restore', choice: chosen(1) })
    const diff = lab.engine.diffVersions('data', 0, 2)
    expect(diff).toMatchObject({ dropped: 1, restored: 0, edited: 0, examples: [{ row: 0, line: 1, before: good, after: null }] })
    expect(lab.engine.diffVersions('data', 2, 0)).toMatchObject({ dropped: 0, restored: 1, examples: [{ before: null, after: good }] })
    expect(lab.engine.state('data').version).toBe(2)
  })

  it('refuses an edit that changes nothing and a text that is not a row', async () => {
    await openSource()
    await expect(edit({ kind: 'restore', choice: chosen(0) })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(edit({ kind: 'replace', row: 0, text: '{"messages": [' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(edit({ kind: 'replace', row: 0, text: '[1]' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(lab.engine.state('data').edits).toBe(0)
  })

  it('an export holds what the edits left, byte for byte where nothing was touched', async () => {
    await openSource()
    await edit({ kind: 'drop', choice: chosen(1) })
    await edit({ kind: 'replace', row: 4, text: chatRow('Mended', 'by hand') })
    const facts = { appVersion: 'test', createdAtMs: 1, name: 'mine', fileNames: ['data.jsonl'], sha256: null }
    const { folder, files } = await lab.engine.exportRows('data', 'openai', lab.folder, facts)
    expect(files.reduce((sum, { rows }) => sum + rows, 0)).toBe(4)
    const written = readdirSync(folder).find((name) => name.endsWith('.jsonl'))
    expect(readFileSync(join(folder, written ?? ''), 'utf8')).toBe(`${[good, good, mail, chatRow('Mended', 'by hand')].join('\n')}\n`)
  })

  it('a filter that an edit was made for means the rows it matched then, also after they changed', async () => {
    await openSource()
    const { record } = await edit({ kind: 'drop', choice: { kind: 'filter', filter: { ...all, text: 'CAT' } } })
    const other = await edit({ kind: 'replace', row: 3, text: chatRow('now a cat', 'too') })
    await openSource([record, other.record])
    expect((await lab.engine.listRows('data', { ...all, state: 'dropped' }, byLine, page)).rows.map(({ row }) => row)).toEqual([0, 2])
  })
})
