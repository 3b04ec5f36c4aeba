import { describe, expect, it } from 'vitest'
import { explainWriteError } from '../../../../../../main/features/datasets/engine/output/file-errors.ts'
import { dataFileName, datasetEntryName, safeFileName } from '../../../../../../main/features/datasets/engine/output/file-names.ts'

describe('safeFileName', () => {
  it('gives no name that escapes the folder or that a system refuses', () => {
    expect(safeFileName('../../etc/passwd')).toBe('etc passwd')
    expect(safeFileName('a<b>:"c|?*\u0000.')).toBe('a b c')
    expect(safeFileName('CON.txt')).toBe('CON.txt_')
    expect(safeFileName('...')).toBe('dataset')
    expect(safeFileName('Zürich 病历')).toBe('Zürich 病历')
  })

  it('cuts long names between characters', () => {
    const name = safeFileName('👩‍⚕️'.repeat(100))
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120)
    expect(name).not.toMatch(/\p{Surrogate}/u)
  })
})

describe('dataFileName', () => {
  it('follows mlx-lm where it reads the layout, and Hugging Face elsewhere', () => {
    const validation = { split: 'validation', part: 'conversations' } as const
    expect(dataFileName('openai', 'x', validation, false)).toBe('valid.jsonl')
    expect(dataFileName('sharegpt', 'x', validation, false)).toBe('validation.jsonl')
    expect(dataFileName('parquet_messages', 'x', validation, false)).toBe('validation.parquet')
  })
})

describe('datasetEntryName', () => {
  it('has no comma or space, by which LLaMA-Factory would split it', () => {
    expect(datasetEntryName('a, b / c', { split: 'test', part: 'conversations' }, false)).toBe('a_b_c_test')
  })
})

describe('explainWriteError', () => {
  it('tells a full disk from a folder that cannot be written to', () => {
    const failure = (code: string) => Object.assign(new Error(code), { code })
    expect(explainWriteError(failure('ENOSPC'))).toMatchObject({ code: 'DISK_FULL', retryable: true })
    expect(explainWriteError(failure('EROFS'))).toMatchObject({ code: 'INVALID_INPUT' })
    const other = failure('EIO')
    expect(explainWriteError(other)).toBe(other)
  })
})
