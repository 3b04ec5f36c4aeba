import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../../../preload/contract/errors.ts'
import { assertLoraTensors } from '../../../../main/features/adapters/lora-tensors.ts'
import { parseSafetensorsHeader, readSafetensorsHeader } from '../../../../main/features/adapters/safetensors.ts'
import { loraHeader, safetensors } from '../../../support/adapters/packed-adapter.ts'

const loraData = Buffer.alloc(256)
let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'weights-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the collector does with a weights file; 'accepted' or the reason. */
async function judge(bytes: Uint8Array): Promise<string> {
  const path = join(folder, 'adapter_model.safetensors')
  writeFileSync(path, bytes)
  try {
    assertLoraTensors(await readSafetensorsHeader(path))
    return 'accepted'
  } catch (error) {
    if (error instanceof AppError && error.code === 'ADAPTER_NOT_VERIFIED') return error.message
    throw error
  }
}

function withLength(length: bigint, rest = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(length)
  return Buffer.concat([head, rest])
}

type Tensor = { dtype: unknown; shape: unknown; data_offsets: unknown }
const prefix = 'base_model.model.model.layers.0.self_attn.q_proj'
const tensor = (shape: readonly number[], start: number, end: number, dtype = 'F32'): Tensor => ({
  dtype,
  shape,
  data_offsets: [start, end],
})
const lora = (a: Tensor, b: Tensor, data = 192) =>
  safetensors({ [`${prefix}.lora_A.weight`]: a, [`${prefix}.lora_B.weight`]: b }, Buffer.alloc(data))
const goodA = tensor([2, 16], 0, 128)
const goodB = tensor([8, 2], 128, 192)

const wrong: readonly (readonly [string, Uint8Array])[] = [
  ['nothing at all', Buffer.alloc(0)],
  ['seven bytes', Buffer.alloc(7)],
  ['a length of 2^64 − 1', withLength(0xffff_ffff_ffff_ffffn)],
  ['a length of 2^63', withLength(2n ** 63n)],
  ['a length one byte beyond the file', withLength(3n, Buffer.from('{}'))],
  ['an empty header', withLength(0n)],
  ['a header that is no object', safetensors([], Buffer.alloc(0))],
  ['a header that is null', safetensors(null, Buffer.alloc(0))],
  ['a header that is no UTF-8', Buffer.concat([withLength(2n), Buffer.from([0xff, 0xfe])])],
  ['no tensors', safetensors({ __metadata__: { format: 'pt' } }, Buffer.alloc(0))],
  ['metadata that is no text', safetensors({ ...loraHeader(), __metadata__: { a: 1 } }, loraData)],
  ['an unknown type', lora(tensor([2, 16], 0, 128, 'OBJECT'), goodB)],
  ['whole numbers as weights', lora(tensor([2, 16], 0, 128, 'I32'), goodB)],
  ['a shape that does not fit the bytes', lora(tensor([2, 15], 0, 128), goodB)],
  ['a shape that overflows', lora(tensor([2 ** 30, 2 ** 30, 2 ** 30], 0, 128), goodB)],
  ['a negative length', lora(tensor([-2, -16], 0, 128), goodB)],
  ['a broken length', lora(tensor([2.5, 16], 0, 160), goodB)],
  ['offsets backwards', lora({ dtype: 'F32', shape: [2, 16], data_offsets: [128, 0] }, goodB)],
  ['three offsets', lora({ dtype: 'F32', shape: [2, 16], data_offsets: [0, 64, 128] }, goodB)],
  ['overlapping tensors', lora(goodA, tensor([8, 2], 64, 128), 128)],
  ['the same bytes twice', lora(goodA, tensor([16, 2], 0, 128), 128)],
  ['a hole between tensors', lora(goodA, tensor([8, 2], 132, 196), 196)],
  ['a hole before the first', lora(tensor([2, 16], 4, 132), tensor([8, 2], 132, 196), 196)],
  ['bytes nobody describes', lora(goodA, goodB, 200)],
  ['less data than described', lora(goodA, goodB, 191)],
  ['an A without its B', safetensors({ [`${prefix}.lora_A.weight`]: goodA }, Buffer.alloc(128))],
  ['different ranks', lora(goodA, tensor([4, 4], 128, 192))],
  ['weights of the model itself', safetensors({ [`${prefix}.weight`]: goodA }, Buffer.alloc(128))],
]

describe('the weights file', () => {
  it('a LoRA as PEFT writes it is accepted, nested expert names included', async () => {
    expect(await judge(safetensors(loraHeader(), loraData))).toBe('accepted')
    const nested = 'base_model.model.model.layers.0.mlp.experts.base_layer'
    expect(await judge(safetensors({ [`${nested}.lora_A.weight`]: goodA, [`${nested}.lora_B.weight`]: goodB }, Buffer.alloc(192)))).toBe(
      'accepted',
    )
    const embedding = 'base_model.model.model.embed_tokens'
    expect(
      await judge(safetensors({ [`${embedding}.lora_embedding_A`]: goodA, [`${embedding}.lora_embedding_B`]: goodB }, Buffer.alloc(192))),
    ).toBe('accepted')
    expect(await judge(lora(tensor([2, 16], 0, 64, 'BF16'), tensor([8, 2], 64, 96, 'BF16'), 96))).toBe('accepted')
  })

  it.each(wrong)('%s: refused', async (_title, bytes) => {
    expect(await judge(bytes)).not.toBe('accepted')
  })

  it('random bytes are never accepted and never fail in an unexpected way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await judge(bytes)).not.toBe('accepted')
      }),
      { numRuns: 200 },
    )
  })

  it('any JSON as header is refused or described without a hole', () => {
    const entry = fc.record({
      dtype: fc.constantFrom('F32', 'F16', 'BF16', 'U8', 'X'),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
      data_offsets: fc.tuple(fc.nat(64), fc.nat(64)),
    })
    const header = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', '__metadata__'), fc.oneof(entry, fc.jsonValue())),
    )
    fc.assert(
      fc.property(header, fc.nat(64), (value, dataBytes) => {
        const outcome = (() => {
          try {
            return parseSafetensorsHeader(Buffer.from(JSON.stringify(value)), dataBytes)
          } catch (error) {
            return error instanceof AppError ? error.code : error
          }
        })()
        const isDescribed = Array.isArray(outcome)
        expect(isDescribed || outcome === 'ADAPTER_NOT_VERIFIED').toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('a single flipped bit in the header never lets another layout through', async () => {
    const good = safetensors(loraHeader(), loraData)
    const headerEnd = good.length - loraData.length
    await fc.assert(
      fc.asyncProperty(fc.nat(headerEnd - 1), fc.nat(7), async (at, bit) => {
        const bytes = Buffer.from(good)
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
        const verdict = await judge(bytes)
        // Only letters inside a name can change without breaking the layout.
        const changed = bytes
          .subarray(8, headerEnd)
          .toString('latin1')
          .replaceAll(/[^\d[\],]/g, '')
        const original = good
          .subarray(8, headerEnd)
          .toString('latin1')
          .replaceAll(/[^\d[\],]/g, '')
        expect(verdict !== 'accepted' || Math.abs(changed.length - original.length) <= 1).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})
