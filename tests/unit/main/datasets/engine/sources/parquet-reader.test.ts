import { describe, expect, it } from 'vitest'
import { parquetFixture } from './parquet-fixture.ts'
import { checkDataPage } from '../../../../../../main/features/datasets/engine/sources/parquet-checks.ts'
import { sniffInput } from '../../../../../../main/features/datasets/engine/sources/sniff.ts'
import { briefly, memorySource, readAll } from './memory-source.ts'

const expected = [
  {
    prompt: 'Grüße 😀',
    messages: [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ],
    count: 1,
    price: 0.01,
    score: 0.5,
    at: '1970-01-01T00:00:00.000Z',
    raw: 'AP8=',
  },
  { prompt: 'line\nbreak "quoted"', messages: [], count: 2, price: 0.29, score: null, at: '2023-11-14T22:13:20.123Z', raw: 'AQ==' },
  { prompt: null, messages: [{ role: 'user', content: null }], count: '9007199254740993', price: 1.15, score: 1e300, at: null, raw: '' },
  { prompt: 'again', messages: null, count: null, price: -0.57, score: null, at: '1969-12-31T23:59:59.999Z', raw: null },
  {
    prompt: 'again',
    messages: [{ role: 'user', content: 'z' }],
    count: -5,
    price: 0,
    score: -0.25,
    at: '1970-01-02T00:00:00.000Z',
    raw: 'yA==',
  },
]

describe('reading a Parquet table', () => {
  it('would lose digits, nulls, nested messages or bytes on the way to JSON', async () => {
    for (const options of [{}, { rowGroupSize: 2 }, { codec: 'UNCOMPRESSED' as const }]) {
      const { rows, lines, sniff, problems } = await readAll(parquetFixture(options))
      expect(sniff).toMatchObject({
        format: 'parquet',
        encoding: null,
        columns: ['prompt', 'messages', 'count', 'price', 'score', 'at', 'raw'],
      })
      expect(rows.map((row) => JSON.parse(row) as unknown)).toEqual(expected)
      expect(lines).toEqual([1, 2, 3, 4, 5])
      expect(briefly(problems).map((text) => text.split('@')[0])).toEqual(['number_not_finite', 'bytes_as_base64'])
    }
  })

  it('would fail without a plain reason on a table that was cut off', async () => {
    const bytes = parquetFixture()
    for (const kept of [4, 100, bytes.length - 1]) {
      const { problem } = await sniffInput(memorySource(bytes.subarray(0, kept)))
      expect(problem?.message).toMatch(/Parquet file is damaged/)
    }
  })

  it('would fill memory where a damaged page claims to repeat one value without end', async () => {
    const good = { type: 'BYTE_ARRAY', element: { name: 'a', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' } }
    const decoder = { ...good, schemaPath: [{ element: { name: 'root' } }, { element: good.element }] } as unknown as Parameters<
      typeof checkDataPage
    >[2]
    const header = { num_values: 10, encoding: 'PLAIN', definition_level_encoding: 'RLE', repetition_level_encoding: 'RLE' } as const
    const page = (run: readonly number[]) => Uint8Array.from([run.length, 0, 0, 0, ...run])
    expect(() => {
      checkDataPage(page([20, 1]), header, decoder)
    }).not.toThrow()
    expect(() => {
      checkDataPage(page([0xfe, 0xff, 0xff, 0xff, 0x07, 1]), header, decoder)
    }).toThrow(/run longer/)
  })
})
