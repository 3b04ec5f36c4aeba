import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFileSearch, searchFile } from '../../../../../../main/features/datasets/engine/search-file.ts'
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

it('finds every row once when a break or the text lies on the edge of a range', async () => {
  const rows: string[] = []
  // Each range starts a few bytes further into a row: in its text, at its break, behind it.
  for (let edge = 0, bytes = 0; edge < 12; edge += 1) {
    const upTo = (edge + 1) * mebibyte - 6 + edge
    const filler = row('')
    while (upTo - bytes > 4000) {
      rows.push(row('x'.repeat(1500)))
      bytes += (rows.at(-1) ?? '').length + 1
    }
    rows.push(row(`${'y'.repeat(Math.max(0, upTo - bytes - filler.length - 1 - 4))}42.7`))
    bytes += (rows.at(-1) ?? '').length + 1
    rows.push(row('42.7'))
    bytes += (rows.at(-1) ?? '').length + 1
  }
  expect(await searchFile(write('edges.jsonl', rows), '42.7')).toEqual(linesWith(rows, '42.7'))
})

describe('with a second thread', () => {
  const path = () => join(folder, 'large.jsonl')
  const block = Array.from({ length: 4096 }, (_, at) => row(`${'z'.repeat(300 + (at % 97))}${at % 50 === 7 ? ' 42.7' : ''}`))
  const blocks = 48
  beforeAll(() => {
    const file = openSync(path(), 'w')
    for (let number = 0; number < blocks; number += 1) writeSync(file, `${block.join('\n')}\n`)
    closeSync(file)
  })

  it('answers the same lines in the same order, none twice', async () => {
    const inBlock = linesWith(block, '42.7')
    const expected = Array.from({ length: blocks }, (_, number) => inBlock.map((line) => number * block.length + line)).flat()
    expect(await searchFile(path(), '42.7')).toEqual(expected)
  })

  it('ends at once when the search is closed before it began, and leaves the file alone', async () => {
    const search = await openFileSearch(path(), '42.7')
    await search.close()
    await expect(search.lines()).rejects.toThrow('ended early')
  })

  it('fails when the file was cut short meanwhile', async () => {
    const search = await openFileSearch(path(), '42.7')
    try {
      truncateSync(path(), 1000)
      await expect(search.lines()).rejects.toThrow('changed')
    } finally {
      await search.close()
    }
  })
})
