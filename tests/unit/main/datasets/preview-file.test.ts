import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { previewFile } from '../../../../main/features/datasets/preview-file.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'preview-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function preview(content: string | Buffer) {
  const path = join(folder, 'file.bin')
  writeFileSync(path, content)
  return previewFile(path)
}
const fixture = (name: string) => fileURLToPath(new URL(`../../../fixtures/datasets/${name}`, import.meta.url))
const row = '{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}'

describe('what a dropped file is', () => {
  it.each([
    ['messages.jsonl', 'messages', '"messages" list'],
    ['turns.jsonl', 'turns', '"turns" list'],
    ['brightrun-v4.jsonl', 'brightrun', 'BrightRun v4'],
    ['conversations.jsonl', 'conversations', '"conversations" list'],
  ])('%s is recognised with its evidence and first conversation', async (name, shape, evidence) => {
    const findings = await previewFile(fixture(name))
    expect(findings).toMatchObject({ shape, problem: null })
    expect(findings.evidence).toMatch(/^Each of the first \d rows has /)
    expect(findings.evidence).toContain(evidence)
    expect(findings.firstConversation?.at(-1)?.role).toBe('assistant')
  })

  it('faulty rows do not make a file unusable', async () => {
    const findings = await previewFile(fixture('messages-with-faults.jsonl'))
    expect(findings).toMatchObject({ shape: 'messages', problem: null })
    expect(findings.evidence).toMatch(/^\d+ of the first 12 rows have a "messages" list/)
  })

  it('two shapes in one file are called mixed', async () => {
    expect(await preview(`${row}\n{"turns":[]}\n`)).toMatchObject({ shape: 'mixed', problem: null })
  })

  it('a first row longer than the sample is read to its end', async () => {
    const long = JSON.stringify({
      messages: [
        { role: 'user', content: 'x'.repeat(900_000) },
        { role: 'assistant', content: 'A' },
      ],
    })
    expect((await preview(long)).firstConversation).toHaveLength(2)
  })

  it.each([
    ['an empty file', '', 'is empty'],
    ['blank lines', '\n \n', 'only blank lines'],
    ['a JSON list', `[\n${row},\n${row}\n]`, 'one JSON list'],
    ['a JSON list on one line', `[${row}]`, 'one JSON list'],
    ['pretty-printed objects', JSON.stringify(JSON.parse(row), null, 2), 'spread over several lines'],
    ['another tool’s rows', '{"instruction":"Q","output":"A"}\n', 'looks like Alpaca'],
    ['prose', 'Dear all,\nthe boat club meets.\n', 'No line of the file is a JSON object'],
    ['gzip', gzipSync(row), 'compressed (gzip)'],
    ['UTF-16', Buffer.from(`\ufeff${row}`, 'utf16le'), 'UTF-16'],
    ['a ZIP or office file', Buffer.from('PK\u0003\u0004rest'), 'ZIP archive'],
    ['Parquet', 'PAR1\u0000', 'Parquet'],
    ['binary data', Buffer.from([1, 2, 0, 4]), 'not a text file'],
  ])('%s is refused with a sentence', async (_title, content, problem) => {
    const findings = await preview(content)
    expect(findings.problem).toContain(problem)
    expect(findings).toMatchObject({ shape: null, firstConversation: null })
  })
})
