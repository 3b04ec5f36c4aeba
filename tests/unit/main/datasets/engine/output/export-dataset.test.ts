import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exportDataset } from '../../../../../../main/features/datasets/engine/output/export-dataset.ts'
import type { ExportRowState } from '../../../../../../main/features/datasets/engine/output/export-rows.ts'
import { exportManifestSchema } from '../../../../../../main/features/datasets/engine/output/manifest.ts'
import { chatRow, exportOf, namesIn, readText, sha256Of, temporaryFolder } from './export-setup.ts'

let folder = ''
let remove: () => Promise<void> = async () => undefined
beforeEach(async () => {
  ;({ path: folder, remove } = await temporaryFolder())
})
afterEach(() => remove())

const rows = (count: number, size = 1) => Array.from({ length: count }, (_, index) => chatRow(index, size))

describe('exportDataset', () => {
  it('copies untouched rows byte for byte, whatever the line breaks, blank lines and missing last break', async () => {
    const lines = rows(7)
    const file = `\ufeff${lines[0]}\r\n\r\n${lines[1]}\n  \n${lines[2]}\n${lines[3]}\r\n${lines[4]}\n\n\n${lines[5]}\n${lines[6]}`
    const result = await exportDataset(await exportOf(folder, file))
    expect(await readText(result.folder, 'set.jsonl')).toBe(`${lines.join('\n')}\n`)
    expect(result).toMatchObject({ rows: 7, refused: { count: 0 } })
  })

  it('leaves out what is dropped or not included and writes edits in their place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('source', 'dropped', 'edited', 'excluded'), { minLength: 1, maxLength: 60 }),
        async (fates) => {
          const lines = rows(fates.length)
          const edited = (row: number) => `{"messages":[{"role":"user","content":"E${row}"},\n{"role":"assistant","content":"A"}]}`
          const stateOf = (row: number): ExportRowState =>
            fates[row] === 'edited' ? { text: edited(row) } : fates[row] === 'dropped' ? 'dropped' : 'source'
          const input = await exportOf(folder, lines.join('\n'), { stateOf, isIncluded: (row) => fates[row] !== 'excluded' })
          const expected = fates.flatMap((fate, row) =>
            fate === 'source' ? [lines[row] ?? ''] : fate === 'edited' ? [edited(row).replace('\n', ' ')] : [],
          )
          if (expected.length === 0) await expect(exportDataset(input)).rejects.toThrow(/no row to export/)
          else {
            const result = await exportDataset(input)
            expect(await readText(result.folder, 'set.jsonl')).toBe(`${expected.join('\n')}\n`)
          }
        },
      ),
      { seed: 21, numRuns: 40 },
    )
  })

  it('copies rows that cross block borders and rows longer than a block', async () => {
    const lines = [...rows(900, 1500), chatRow(1000, 1_200_000), ...rows(300, 2000), chatRow(1001, 900_000)]
    const result = await exportDataset(await exportOf(folder, `${lines.join('\n')}\n`, { isIncluded: (row) => row % 5 !== 2 }))
    expect(await readText(result.folder, 'set.jsonl')).toBe(`${lines.filter((_, row) => row % 5 !== 2).join('\n')}\n`)
  })

  it('writes each split to the file its readers look for', async () => {
    const lines = rows(10)
    const splitOf = Uint8Array.from([1, 1, 2, 3, 1, 1, 2, 1, 3, 0])
    const part = (split: number) => `${lines.filter((_, row) => splitOf[row] === split).join('\n')}\n`
    const result = await exportDataset(await exportOf(folder, lines.join('\n'), { splitOf }))
    expect(await namesIn(result.folder)).toEqual(['manifest.json', 'test.jsonl', 'train.jsonl', 'valid.jsonl'])
    expect(await readText(result.folder, 'train.jsonl')).toBe(part(1))
    expect(await readText(result.folder, 'valid.jsonl')).toBe(part(2))
    expect(await readText(result.folder, 'test.jsonl')).toBe(part(3))
    expect(result.refused).toMatchObject({ count: 1, rows: [{ row: 9 }] })
  })

  it('describes every LLaMA-Factory file in dataset_info.json', async () => {
    const tools =
      '{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}'
    const pair = '{"prompt":"Q","chosen":"A","rejected":"B"}'
    const input = await exportOf(folder, [chatRow(1), tools, pair, '{"text":"T"}', chatRow(2)].join('\n'), {
      layout: 'llama_factory',
      baseName: 'My set: 1',
      splitOf: Uint8Array.from([1, 1, 1, 1, 2]),
    })
    const result = await exportDataset(input)
    const info = JSON.parse(await readText(result.folder, 'dataset_info.json')) as Record<string, object>
    expect(Object.keys(info)).toEqual(['My_set_1', 'My_set_1_preference', 'My_set_1_text', 'My_set_1_validation'])
    expect(info['My_set_1']).toMatchObject({
      file_name: 'train.jsonl',
      formatting: 'sharegpt',
      columns: { messages: 'conversations', tools: 'tools' },
    })
    expect(info['My_set_1_preference']).toMatchObject({
      file_name: 'train-preference.jsonl',
      ranking: true,
      columns: { chosen: 'chosen', rejected: 'rejected' },
    })
    expect(info['My_set_1_text']).toEqual({ file_name: 'train-text.jsonl', columns: { prompt: 'text' } })
    expect(info['My_set_1_validation']).toMatchObject({ file_name: 'validation.jsonl', columns: { messages: 'conversations' } })
    expect(info['My_set_1_validation']).not.toHaveProperty('columns.tools')
  })

  it('does not name the kind of rows when a file has one kind only', async () => {
    const result = await exportDataset(await exportOf(folder, '{"prompt":"Q","chosen":"A","rejected":"B"}\n', { layout: 'sharegpt' }))
    expect(result.files.map((file) => file.name)).toEqual(['set.jsonl'])
  })

  it('counts and lists the rows a layout cannot hold', async () => {
    const system = '{"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}'
    const result = await exportDataset(
      await exportOf(folder, [chatRow(0), system, '{"text":"T"}', system].join('\n'), { layout: 'prompt_completion' }),
    )
    expect(result.rows).toBe(1)
    expect(result.refused).toMatchObject({ count: 3, reasons: [{ rows: 2 }, { rows: 1 }] })
    expect(result.refused.rows.map((refused) => refused.row)).toEqual([1, 2, 3])
  })

  it('writes a manifest whose hashes are those of the files', async () => {
    const result = await exportDataset(
      await exportOf(folder, rows(50).join('\n'), { splitOf: new Uint8Array(50).fill(1, 0, 40).fill(2, 40) }),
    )
    const manifest = exportManifestSchema.parse(JSON.parse(await readText(result.folder, 'manifest.json')))
    expect(manifest).toMatchObject({ layout: 'openai', rows: 50, appVersion: '1.2.3' })
    expect(manifest.files).toEqual(result.files)
    for (const file of manifest.files) expect(await sha256Of(result.folder, file.name)).toBe(file.sha256)
  })

  it('adds a number instead of touching an existing folder', async () => {
    await mkdir(join(folder, 'set'))
    await writeFile(join(folder, 'set 2'), 'a file')
    const result = await exportDataset(await exportOf(folder, chatRow(1)))
    expect(result.folder).toBe(join(folder, 'set 3'))
    expect(await namesIn(join(folder, 'set'))).toEqual([])
  })

  it('leaves nothing behind when reading a row fails in the middle', async () => {
    let calls = 0
    const input = await exportOf(folder, rows(3000, 200).join('\n'), { layout: 'sharegpt' })
    const failing = {
      ...input,
      readContent: (bytes: Buffer) => {
        calls += 1
        if (calls === 2000) throw new Error('broken in the middle')
        return input.readContent(bytes)
      },
    }
    await expect(exportDataset(failing)).rejects.toThrow('broken in the middle')
    expect(await namesIn(folder)).toEqual([])
  })

  it('leaves nothing behind when it is cancelled', async () => {
    const stop = new AbortController()
    const input = await exportOf(folder, rows(5000).join('\n'), {
      signal: stop.signal,
      onProgress: (done) => {
        if (done > 2000) stop.abort()
      },
    })
    await expect(exportDataset(input)).rejects.toThrow(/abort/i)
    expect(await namesIn(folder)).toEqual([])
  })

  it('leaves nothing behind when the working file is shorter than it was', async () => {
    const input = await exportOf(folder, rows(100).join('\n'))
    await writeFile(input.workingPath, rows(50).join('\n'))
    await expect(exportDataset(input)).rejects.toMatchObject({ code: 'DATASET_FILE_UNREADABLE' })
    expect(await namesIn(folder)).toEqual([])
  })

  it('says so, and leaves nothing, when no row fits the layout', async () => {
    const input = await exportOf(folder, '{"text":"T"}\n', { layout: 'alpaca' })
    await expect(exportDataset(input)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('plain text') as string,
    })
    expect(await namesIn(folder)).toEqual([])
  })

  it('names the folder as the problem when it is gone', async () => {
    const input = await exportOf(folder, chatRow(1))
    await expect(exportDataset({ ...input, folder: join(folder, 'gone') })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('reports progress up to the last row', async () => {
    const seen: number[] = []
    await exportDataset(await exportOf(folder, rows(3000).join('\n'), { onProgress: (done) => seen.push(done) }))
    expect(seen).toEqual([0, 1024, 2048, 3000])
  })
})
