import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exportDataset } from '../../../../../../main/features/datasets/engine/output/export-dataset.ts'
import { toLayout } from '../../../../../../main/features/datasets/engine/output/layouts/to-layout.ts'
import { conversationArbitrary, essence, readRow } from './conversations.ts'
import { chatRow, exportOf, temporaryFolder } from './export-setup.ts'

let folder = ''
let remove: () => Promise<void> = async () => undefined
beforeEach(async () => {
  ;({ path: folder, remove } = await temporaryFolder())
})
afterEach(() => remove())

async function exportParquet(lines: readonly string[]) {
  const result = await exportDataset(await exportOf(folder, lines.join('\n'), { layout: 'parquet_messages' }))
  const bytes = await readFile(join(result.folder, 'set.parquet'))
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  const rows: Record<string, unknown>[] = await parquetReadObjects({ file })
  return { result, metadata: parquetMetadata(file), rows }
}

/** Nulls stand for what a row does not have. */
function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : (part ?? undefined))))
}

describe('the messages layout as Parquet', () => {
  it('keeps tool calls, thoughts, weights, names, tools and further fields', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(conversationArbitrary(true), { minLength: 1, maxLength: 8 }), async (contents) => {
        const lines = contents.map((content) => {
          const written = toLayout(content, { id: 1.5 }, 'openai')
          return 'json' in written ? written.json : ''
        })
        const { rows } = await exportParquet(lines)
        for (const [index, row] of rows.entries()) {
          const { messages, tools, extra } = withoutNulls(row) as { messages: unknown; tools?: string; extra: string }
          const back = readRow(JSON.stringify({ messages, ...(tools === undefined ? {} : { tools: JSON.parse(tools) as unknown }) }))
          const expected = contents[index]
          expect(essence(back.content)).toEqual(expected === undefined ? null : essence(expected))
          expect(JSON.parse(extra)).toEqual({ id: 1.5 })
        }
        expect(rows).toHaveLength(contents.length)
      }),
      { seed: 31, numRuns: 25 },
    )
  })

  it('has no columns that no row needs, because templates trip over empty ones', async () => {
    const { rows, metadata } = await exportParquet(['{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}'])
    expect(metadata.schema.map((element) => element.name)).toEqual(['schema', 'messages', 'list', 'element', 'role', 'content'])
    expect(rows).toEqual([
      {
        messages: [
          { role: 'user', content: 'Q' },
          { role: 'assistant', content: 'A' },
        ],
      },
    ])
  })

  it('writes a long file as several groups of rows, in order', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => chatRow(index, 1000))
    const { rows, metadata, result } = await exportParquet(lines)
    expect(metadata.row_groups.length).toBeGreaterThan(1)
    expect(result.files).toMatchObject([{ name: 'set.parquet', rows: 3000 }])
    expect(rows.map((row) => row['extra'])).toEqual(lines.map((_, index) => `{"id":${index}.0}`))
  })
})
