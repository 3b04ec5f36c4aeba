import { open } from 'node:fs/promises'
import { z } from 'zod'
import { corrupt } from './corrupt.ts'

const lengthBytes = 8
const maxHeaderBytes = 100_000_000
const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const
type Dtype = keyof typeof dtypeBytes

const tensorSchema = z.strictObject({
  dtype: z.enum(Object.keys(dtypeBytes) as [Dtype, ...Dtype[]]),
  shape: z.array(z.int().nonnegative()).max(16),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
})
const metadataSchema = z.record(z.string(), z.string())

/** One tensor as the header describes it. */
export interface TensorInfo {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
}

/** Reads and checks only the header of a safetensors file; throws ADAPTER_NOT_VERIFIED for anything irregular. */
export async function readSafetensorsHeader(path: string): Promise<readonly TensorInfo[]> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const head = Buffer.alloc(lengthBytes)
    const { bytesRead } = await file.read(head, 0, lengthBytes, 0)
    const headerBytes = headerLength(head.subarray(0, bytesRead), size)
    const header = Buffer.alloc(headerBytes)
    const read = await file.read(header, 0, headerBytes, lengthBytes)
    if (read.bytesRead !== headerBytes) throw corrupt('The weights file is cut off inside its header.')
    return parseSafetensorsHeader(header, size - lengthBytes - headerBytes)
  } finally {
    await file.close()
  }
}

/** Length of the header from the first eight bytes of a file of `fileBytes`. */
export function headerLength(head: Uint8Array, fileBytes: number): number {
  if (head.length < lengthBytes) throw corrupt('The weights file is too short to be a safetensors file.')
  const length = Buffer.from(head.buffer, head.byteOffset, lengthBytes).readBigUInt64LE()
  if (length > BigInt(maxHeaderBytes) || Number(length) > fileBytes - lengthBytes)
    throw corrupt('The weights file states a header longer than itself or than 100 MB.')
  return Number(length)
}

/** Checks a header against the bytes that follow it: known types, sizes that add up, no gap and no overlap. */
export function parseSafetensorsHeader(header: Uint8Array, dataBytes: number): readonly TensorInfo[] {
  const { __metadata__: metadata, ...entries } = parseObject(header)
  if (metadata !== undefined && !metadataSchema.safeParse(metadata).success)
    throw corrupt('The metadata of the weights file is not text by name.')
  const tensors = Object.entries(entries).map(([name, value]) => {
    const parsed = tensorSchema.safeParse(value)
    if (!parsed.success) throw corrupt(`The tensor ${shown(name)} is not described as the format demands.`)
    const [begin, end] = parsed.data.data_offsets
    const bytes = parsed.data.shape.reduce((product, side) => product * side, dtypeBytes[parsed.data.dtype])
    if (!Number.isSafeInteger(bytes) || end - begin !== bytes)
      throw corrupt(`The size of the tensor ${shown(name)} does not fit its shape.`)
    return { name, dtype: parsed.data.dtype, shape: parsed.data.shape, begin, end }
  })
  assertSeamless(tensors, dataBytes)
  return tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }))
}

function parseObject(header: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (error) {
    throw corrupt('The header of the weights file cannot be read.', { cause: error instanceof Error ? error.name : 'unknown' })
  }
  throw corrupt('The header of the weights file is not an object.')
}

function assertSeamless(tensors: readonly { name: string; begin: number; end: number }[], dataBytes: number): void {
  let expected = 0
  for (const { name, begin, end } of tensors.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== expected) throw corrupt(`The tensor ${shown(name)} overlaps another one or leaves a gap before it.`)
    expected = end
  }
  if (expected !== dataBytes) throw corrupt('The weights file is not as long as its header says.')
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 120))
}
