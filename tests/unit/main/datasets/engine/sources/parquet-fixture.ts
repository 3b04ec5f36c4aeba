import { parquetWriteBuffer } from 'hyparquet-writer'

/** A small table with every kind of column that datasets have: texts, lists of messages, numbers, dates, bytes. */
export function parquetFixture(options: { rowGroupSize?: number; codec?: 'UNCOMPRESSED' | 'SNAPPY' } = {}): Buffer {
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: 'prompt', data: ['Grüße 😀', 'line\nbreak "quoted"', null, 'again', 'again'] },
      {
        name: 'messages',
        data: [
          [
            { role: 'user', content: 'a' },
            { role: 'assistant', content: 'b' },
          ],
          [],
          [{ role: 'user', content: null }],
          null,
          [{ role: 'user', content: 'z' }],
        ],
      },
      { name: 'count', data: [1n, 2n, 9007199254740993n, null, -5n] },
      { name: 'price', data: [0.01, 0.29, 1.15, -0.57, 0] },
      { name: 'score', data: [0.5, Number.NaN, 1e300, null, -0.25] },
      { name: 'at', data: [new Date(0), new Date(1_700_000_000_123), null, new Date(-1), new Date(86_400_000)] },
      { name: 'raw', data: [Uint8Array.of(0, 255), Uint8Array.of(1), Uint8Array.of(), null, Uint8Array.of(200)] },
    ],
    schema: [
      { name: 'root', num_children: 7 },
      { name: 'prompt', ...text, repetition_type: 'OPTIONAL' },
      { name: 'messages', converted_type: 'LIST', repetition_type: 'OPTIONAL', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL', num_children: 2 },
      { name: 'role', ...text, repetition_type: 'OPTIONAL' },
      { name: 'content', ...text, repetition_type: 'OPTIONAL' },
      { name: 'count', type: 'INT64', repetition_type: 'OPTIONAL' },
      { name: 'price', type: 'INT32', converted_type: 'DECIMAL', scale: 2, precision: 9, repetition_type: 'REQUIRED' },
      { name: 'score', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
      { name: 'at', type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'OPTIONAL' },
      { name: 'raw', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
    ],
    ...options,
  })
  return Buffer.from(bytes)
}
