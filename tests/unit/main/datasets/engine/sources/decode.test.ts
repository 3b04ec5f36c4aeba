import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUtf16Decoder, createWindowsDecoder } from '../../../../../../main/features/datasets/engine/sources/decode.ts'
import { decompress } from '../../../../../../main/features/datasets/engine/sources/decompress.ts'
import { createDiskRoom } from '../../../../../../main/features/datasets/engine/sources/disk-room.ts'
import { memorySource } from './memory-source.ts'

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(Buffer.from(chunk))
  return Buffer.concat(parts)
}

describe('decoding text', () => {
  it('would break a character of UTF-16 that is cut between two chunks', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (text, size, isBigEndian) => {
          const bytes = Buffer.from(text, 'utf16le')
          if (isBigEndian) bytes.swap16()
          let replaced = 0
          const decode = createUtf16Decoder(isBigEndian, () => (replaced += 1))
          const parts: Buffer[] = []
          for (let at = 0; at < bytes.length; at += size) parts.push(Buffer.from(decode(bytes.subarray(at, at + size))))
          parts.push(decode(null))
          expect(Buffer.concat(parts).toString()).toBe(text.replace(/^\ufeff/, ''))
          expect(replaced).toBe(0)
        },
      ),
      { numRuns: 300, seed: 3 },
    )
  })

  it('would replace half characters of UTF-16 without saying so', () => {
    let replaced = 0
    const decode = createUtf16Decoder(false, () => (replaced += 1))
    const text = Buffer.concat([
      decode(Buffer.from([0x61, 0x00, 0x3d, 0xd8])),
      decode(Buffer.from([0x62, 0x00, 0x63])),
      decode(null),
    ]).toString()
    expect(text).toBe('a\ufffdb')
    expect(replaced).toBe(2)
  })

  it('would read a letter of windows-1252 differently from the web standard', () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    expect(createWindowsDecoder()(all).toString()).toBe(new TextDecoder('windows-1252').decode(all))
  })
})

describe('unpacking', () => {
  const text = Buffer.from('some text that repeats, some text that repeats; '.repeat(9000))

  it('would stop after the first part of a file made of several', async () => {
    const half = text.length / 2
    const parts = [text.subarray(0, half), text.subarray(half)]
    for (const chunkBytes of [7, 4096]) {
      expect(
        (await collect(decompress(memorySource(Buffer.concat(parts.map((part) => gzipSync(part))), chunkBytes).chunks(), 'gzip'))).equals(
          text,
        ),
      ).toBe(true)
      const zstd = Buffer.concat([...parts.map((part) => zstdCompressSync(part)), Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2])])
      expect((await collect(decompress(memorySource(zstd, chunkBytes).chunks(), 'zstd'))).equals(text)).toBe(true)
    }
  })

  it('would take a file that was cut off for a whole one', async () => {
    for (const [packed, kind] of [
      [gzipSync(text), 'gzip'],
      [zstdCompressSync(text), 'zstd'],
    ] as const) {
      for (const cut of [1, 3, 9, Math.floor(packed.length / 2)]) {
        await expect(collect(decompress(memorySource(packed.subarray(0, packed.length - cut), 64).chunks(), kind))).rejects.toMatchObject({
          code: 'DATASET_FILE_UNREADABLE',
        })
      }
    }
  })

  it('would read a damaged table of weights for ever', async () => {
    // Found by the fuzz: one symbol has the whole table, so that reading it uses up no bits.
    const endless =
      '28b52ffd60f80225040062c71a22f0a739ff3f08fdaf976ae1be7f8400d7a2d8e7d26f2dc1e670af6dce3a48fed0e501c828135584a9fb9a4b65ec712ab2' +
      '02400065820c929734aaf802a7e578b946742f8d5f3096473e299e523e299e527771341c8df073c7eb58315cdfb6dfcf9729ed009df71e56f7260e330d0a' +
      '0600bd02b6023963a77b1b67f11ace83d5b96016ca'
    for (const chunkBytes of [1, 80, 4096]) {
      await expect(collect(decompress(memorySource(Buffer.from(endless, 'hex'), chunkBytes).chunks(), 'zstd'))).rejects.toMatchObject({
        code: 'DATASET_FILE_UNREADABLE',
      })
    }
  })

  it('would take memory for a window that no honest file needs', async () => {
    const bomb = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x03, 0x00, 0x10, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    await expect(collect(decompress(memorySource(bomb).chunks(), 'zstd'))).rejects.toThrow(/window/)
  })

  it('would fill the disk with a small file that unpacks to a huge one', async () => {
    const room = await createDiskRoom('.', () => Promise.resolve(100 * 1024 * 1024))
    await room.claim(0, 1024)
    await expect(room.claim(1024, 40 * 1024 * 1024)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(() => {
      room.assertUnpackable(200 * 1024 * 1024)
    }).toThrow(/free/)
  })
})
