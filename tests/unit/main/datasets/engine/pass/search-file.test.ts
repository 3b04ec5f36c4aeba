import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { searchFile } from '../../../../../../main/features/datasets/engine/search-file.ts'
import { createRandom } from '../../../../../bench/random.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'search-file-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const mebibyte = 1024 * 1024
const row = (text: string) =>
  JSON.stringify({
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: text },
    ],
  })

function write(name: string, rows: readonly string[], end = '\n'): string {
  const path = join(folder, name)
  writeFileSync(path, rows.join('\n') + end)
  return path
}
const linesWith = (rows: readonly string[], text: string) => rows.flatMap((one, at) => (one.includes(text) ? [at + 1] : []))

it('finds rows that lie across the pieces in which a file is read, and numbers their lines rightly', async () => {
  const random = createRandom(3)
  const rows = Array.from({ length: 900 }, () =>
    row(`${'filler '.repeat(Math.floor(random() * 2500))}${random() < 0.3 ? ' 42.7 ' : ''} end`),
  )
  expect(await searchFile(write('many.jsonl', rows, ''), '42.7')).toEqual(linesWith(rows, '42.7'))
})

it('goes on when a row is longer than what is carried over from piece to piece', async () => {
  const rows = [row('42.7'), row(`${'x'.repeat(5 * mebibyte)} 42.7`), row('nothing'), row('y'.repeat(3 * mebibyte)), row('42.7 again')]
  expect(await searchFile(write('long.jsonl', rows), '42.7')).toEqual([1, 2, 5])
})

it('leaves out a row that holds the text in another key than its messages', async () => {
  const rows = ['{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"id":"42.7"}', row('42.7')]
  expect(await searchFile(write('key.jsonl', rows), '42.7')).toEqual([2])
})

it('answers nothing for a file of blank lines', async () => {
  expect(await searchFile(write('blank.jsonl', ['', '', '']), '42.7')).toEqual([])
})
