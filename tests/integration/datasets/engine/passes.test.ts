import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rowFilterSchema } from '../../../../preload/contract/datasets.ts'
import type { DatasetEngine } from '../../../../main/features/datasets/engine/engine.ts'
import { searchFile } from '../../../../main/features/datasets/engine/search-file.ts'
import { createRandom } from '../../../bench/random.ts'
import { chatRow, createEngineLab, type EngineLab } from './engine-lab.ts'

let lab: EngineLab
beforeEach(() => {
  lab = createEngineLab()
})
afterEach(() => lab.close())

const byLine = { by: 'line', descending: false } as const
const all = rowFilterSchema.parse({})
const page = { offset: 0, limit: 200 }

/** Rows of very different lengths, some broken, with blank lines and both kinds of line break. */
function mixedFile(rows: number): string {
  const random = createRandom(7)
  const lines: string[] = []
  for (let row = 0; row < rows; row += 1) {
    const length = random() < 0.02 ? 150_000 : Math.floor(random() * 900)
    const good = chatRow(`Question ${row}`, `Answer ${'é'.repeat(length)}.`)
    const kind = random()
    if (kind < 0.02) lines.push(good.slice(0, -5))
    else if (kind < 0.04) lines.push(good.replace('"assistant"', '"bot"'))
    else if (kind < 0.05) lines.push(chatRow('Question 1', 'The same answer.'))
    else lines.push(good)
    if (random() < 0.03) lines.push('  ')
  }
  return lines
    .join('\n')
    .replaceAll('}\n{"messages":[{"role":"user","content":"Question 7', '}\r\n{"messages":[{"role":"user","content":"Question 7')
}

async function reportOf(engine: DatasetEngine): Promise<unknown> {
  const issues = engine.listIssues('data')
  return {
    state: engine.state('data'),
    issues,
    examples: issues.map(({ rule }) => engine.listIssueExamples('data', rule, page)),
    rows: await engine.listRows('data', all, byLine, page),
    last: await engine.listRows('data', all, { by: 'line', descending: true }, page),
  }
}

describe('the passes', () => {
  it('give the same report for 1, 2 and 4 workers and for three sizes of range', async () => {
    const path = lab.write('data.jsonl', mixedFile(1500))
    const reports: unknown[] = []
    for (const workers of [1, 2, 4]) {
      for (const rangeBytes of [4096, 65_536, 16 * 1024 * 1024]) {
        const other = createEngineLab({ workers })
        try {
          await other.engine.open(other.request(path, { rangeBytes }))
          reports.push(await reportOf(other.engine))
        } finally {
          await other.close()
        }
      }
    }
    for (const report of reports) expect(report).toEqual(reports[0])
    expect(reports[0]).toMatchObject({ state: { stats: { rows: 1500 } } })
  })

  it('name the true line of a row behind blank lines and in the middle of a range', async () => {
    const lines = mixedFile(400).split('\n')
    const path = lab.write('data.jsonl', lines.join('\n'))
    await lab.engine.open(lab.request(path, { rangeBytes: 1024 }))
    const rows = []
    for (let offset = 0; ; offset += 200) {
      const part = await lab.engine.listRows('data', all, byLine, { offset, limit: 200 })
      rows.push(...part.rows)
      if (rows.length >= part.total) break
    }
    const expected = lines.flatMap((line, at) => (line.trim() === '' ? [] : [at + 1]))
    expect(rows.map(({ line }) => line)).toEqual(expected)
    for (const row of [0, 57, 399]) expect(lab.engine.getRow('data', row).raw).toBe(lines[(expected[row] ?? 0) - 1]?.replace('\r', ''))
  })

  it('go on after a cancelled check without doing a finished range again', async () => {
    const path = lab.write('data.jsonl', mixedFile(2000))
    const request = lab.request(path, { rangeBytes: 4096 })
    const first = lab.engine.open(request)
    await lab.engine.cancelTask('data', 'check')
    await expect(first).rejects.toMatchObject({ code: 'DATASET_TASK_CANCELLED' })
    const state = await lab.engine.open(request)
    expect(state.stats.rows).toBe(2000)
  })

  it('notice that the file is another one, and read only the new part of one that grew', async () => {
    const path = lab.write('data.jsonl', `${chatRow('a', 'b')}\n${chatRow('c', 'd')}`)
    const request = lab.request(path)
    expect((await lab.engine.open(request)).stats.rows).toBe(2)
    appendFileSync(path, `\n${chatRow('e', 'f')}\n`)
    expect((await lab.engine.open(request)).stats.rows).toBe(3)
    writeFileSync(path, chatRow('other', 'file'))
    expect((await lab.engine.open(request)).stats.rows).toBe(1)
    expect((await lab.engine.listRows('data', all, byLine, page)).rows[0]?.first).toBe('other')
  })

  it('a row longer than a row may be is one fault, and the rows after it are found', async () => {
    const path = lab.write('data.jsonl', `${chatRow('a', 'x'.repeat(33 * 1024 * 1024))}\n${chatRow('after', 'it')}\n`)
    const { stats } = await lab.engine.open(lab.request(path))
    expect(stats).toMatchObject({ rows: 2, validRows: 1, errorRows: 1 })
    expect(lab.engine.listIssues('data').find(({ rule }) => rule === 'row.too-large')).toMatchObject({ rows: 1, firstLine: 1 })
    expect((await lab.engine.listRows('data', { ...all, state: 'usable' }, byLine, page)).rows).toMatchObject([{ line: 2, first: 'after' }])
  })

  it('an index that is damaged is made anew instead of hiding the dataset', async () => {
    const path = lab.write('data.jsonl', chatRow('a', 'b'))
    const indexPath = join(lab.folder, 'damaged.sqlite')
    writeFileSync(indexPath, 'this is not a database, but it is long enough to look like a file with something in it'.repeat(20))
    expect((await lab.engine.open(lab.request(path, { indexPath }))).stats.rows).toBe(1)
  })
})

describe('searching texts', () => {
  it('finds a text in any case, raw or escaped, and never in keys and markup', async () => {
    const escaped = chatRow('escaped', 'Gräfin “Ä”').replaceAll(
      /[^\x20-\x7e]/g,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    const path = lab.write(
      'data.jsonl',
      [chatRow('raw', 'die GRÄFIN kam'), escaped, chatRow('none', 'nothing'), chatRow('quote', 'she said "yes"\nthen')].join('\n'),
    )
    await lab.engine.open(lab.request(path))
    const found = async (text: string): Promise<number[]> => {
      const { rows, searched } = await lab.engine.listRows('data', { ...all, text }, byLine, page)
      // A page does not wait for the whole file; the next question gets what was found meanwhile.
      return searched < 1 ? found(text) : rows.map(({ line }) => line)
    }
    expect(await found('gräfin')).toEqual([1, 2])
    expect(await found('"YES"\n')).toEqual([4])
    expect(await found('role')).toEqual([])
    expect(await found('.*')).toEqual([])
    expect(await searchFile(path, 'gräfin')).toEqual([1, 2])
  })
})

describe('what stands out in the set', () => {
  const labelled = (label: string, at: number) =>
    JSON.stringify({
      messages: [
        { role: 'system', content: at % 10 === 0 ? 'Be kind.' : 'Be  BRIEF.' },
        { role: 'user', content: `letter ${at}` },
        { role: 'assistant', content: label },
      ],
    })

  it('is told when one label drowns another and one system prompt opens most rows, whatever the case and the spaces', async () => {
    const rows = Array.from({ length: 200 }, (_, at) => labelled(at === 77 ? 'urgent' : at % 2 === 0 ? 'Routine' : 'routine', at))
    await lab.engine.open(lab.request(lab.write('data.jsonl', rows.join('\n'))))
    await lab.engine.scan('data')
    expect(lab.engine.overview('data').observations).toMatchObject([
      { kind: 'system-prompt', title: 'One system prompt in 90 % of the rows', row: 1 },
      { kind: 'label-imbalance', message: expect.stringContaining('“Routine” is the answer in 199 rows, “urgent” in 1.'), row: 77 },
    ])
  })

  it('is nothing where answers are sentences', async () => {
    const prose = Array.from({ length: 30 }, (_, at) => chatRow(`q${at}`, `This is the long answer to question number ${at}, in full.`))
    await lab.engine.open(lab.request(lab.write('data.jsonl', prose.join('\n'))))
    await lab.engine.scan('data')
    expect(lab.engine.overview('data').observations).toEqual([])
  })
})
