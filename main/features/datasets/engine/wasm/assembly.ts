/** Bytes of WebAssembly code. */
export type Code = readonly number[]

/** The type of numbers. */
export const i32 = 0x7f
/** The type of blocks of 16 bytes. */
export const v128 = 0x7b

/** Reads a local. */
export const get = (index: number): Code => [0x20, index]
/** Sets a local to what was computed before. */
export const set = (index: number): Code => [0x21, index]
/** A number of 32 bits, with or without sign. */
export const i32Const = (value: number): Code => [0x41, ...signedLeb64(BigInt(value | 0))]
/** Sum. */
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a]
/** Difference; below 0 it wraps around. */
export const subtract = (a: Code, b: Code): Code => [...a, ...b, 0x6b]
/** Bits of both; for conditions: both hold. */
export const bothBits = (a: Code, b: Code): Code => [...a, ...b, 0x71]
/** Bits of either; for conditions: one holds. */
export const eitherBits = (a: Code, b: Code): Code => [...a, ...b, 0x72]
/** Bits of one but not of both. */
export const oddBits = (a: Code, b: Code): Code => [...a, ...b, 0x73]
/** Product. */
export const multiply = (a: Code, b: Code): Code => [...a, ...b, 0x6c]
/** Moves bits up. */
export const shiftLeft = (a: Code, b: Code): Code => [...a, ...b, 0x74]
/** Moves bits down, with zeros behind them. */
export const shiftRight = (a: Code, b: Code): Code => [...a, ...b, 0x76]
/** True for 0; turns a condition round. */
export const isZero = (a: Code): Code => [...a, 0x45]
/** Compares numbers. */
export const isEqual = (a: Code, b: Code): Code => [...a, ...b, 0x46]
/** Compares numbers. */
export const isUnequal = (a: Code, b: Code): Code => [...a, ...b, 0x47]
/** Compares numbers without sign. */
export const isBelow = (a: Code, b: Code): Code => [...a, ...b, 0x49]
/** Compares numbers without sign. */
export const isAbove = (a: Code, b: Code): Code => [...a, ...b, 0x4b]
/** Compares numbers without sign. */
export const isAtLeast = (a: Code, b: Code): Code => [...a, ...b, 0x4f]
/** How many zeros stand below the lowest bit that is set. */
export const bitsBelowLowest = (a: Code): Code => [...a, 0x68]
/** How many bits are set. */
export const countBits = (a: Code): Code => [...a, 0x69]
/** Adds to a local. */
export const increase = (index: number, by: Code): Code => [...add(get(index), by), ...set(index)]

/** Reads one byte at an address plus an offset. */
export const byteAt = (address: Code, offset: number): Code => [...address, 0x2d, 0, ...unsignedLeb(offset)]
/** Reads two bytes at an address plus an offset. */
export const halfWordAt = (address: Code, offset: number): Code => [...address, 0x2f, 0, ...unsignedLeb(offset)]
/** Reads four bytes at an address plus an offset. */
export const wordAt = (address: Code, offset: number): Code => [...address, 0x28, 0, ...unsignedLeb(offset)]
/** Writes one byte at an address plus an offset. */
export const storeByte = (address: Code, offset: number, value: Code): Code => [...address, ...value, 0x3a, 0, ...unsignedLeb(offset)]
/** Writes four bytes at a fixed address. */
export const storeWord = (address: number, value: Code): Code => storeWordAt(i32Const(address), 0, value)
/** Writes four bytes at an address plus an offset. */
export const storeWordAt = (address: Code, offset: number, value: Code): Code => [...address, ...value, 0x36, 0, ...unsignedLeb(offset)]
/** Runs one piece of code or another. */
export const when = (condition: Code, then: Code, otherwise: Code = []): Code =>
  otherwise.length === 0 ? [...condition, 0x04, 0x40, ...then, 0x0b] : [...condition, 0x04, 0x40, ...then, 0x05, ...otherwise, 0x0b]
/** Code that can go back to its start. */
export const loop = (body: Code): Code => [0x03, 0x40, ...body, 0x0b]
/** Goes back to the start of the loop that is `depth` blocks out. */
export const again = (depth: number): Code => [0x0c, depth]
/** Ends the function with a value. */
export const answer = (value: Code): Code => [...value, 0x0f]
/** One of two values, both of which are computed. */
export const either = (condition: Code, a: Code, b: Code): Code => [...a, ...b, ...condition, 0x1b]
/** Calls another function of the module. */
export const call = (index: number): Code => [0x10, index]

/** A block of these bytes. */
export const constant = (bytes: readonly number[]): Code => [0xfd, 0x0c, ...bytes]
/** A block of one byte. */
export const sameBytes = (value: number): Code => constant(Array.from({ length: 16 }, () => value))
/** Reads a block at an address plus an offset. */
export const bytesAt = (address: Code, offset: number): Code => [...address, 0xfd, 0x00, 0, ...unsignedLeb(offset)]
/** Writes a block at an address plus an offset. */
export const storeBytes = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  0xfd,
  0x0b,
  0,
  ...unsignedLeb(offset),
]
/** Bits of both blocks. */
export const and = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x4e]
/** Bits of either block. */
export const or = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x50]
/** Bits of one block but not of both. */
export const differentBits = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x51]
/** Differences byte by byte; below 0 they wrap around. */
export const subtractBytes = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x71]
/** Marks the bytes that equal one. */
export const equalBytes = (a: Code, value: number): Code => [...a, ...sameBytes(value), 0xfd, 0x23]
/** Marks the bytes below one. */
export const bytesBelow = (a: Code, value: number): Code => [...a, ...sameBytes(value), 0xfd, 0x26]
/** The same for bytes taken as −128 to 127. */
export const bytesBelowSigned = (a: Code, value: number): Code => [...a, ...sameBytes(value), 0xfd, 0x25]
/** Marks the bytes from one upwards. */
export const bytesFrom = (a: Code, value: number): Code => [...a, ...sameBytes(value), 0xfd, 0x2c]
/** True when a bit of the block is set. */
export const isAny = (a: Code): Code => [...a, 0xfd, 0x53]
/** One bit for the top of each byte. */
export const topBits = (a: Code): Code => [...a, 0xfd, 0x64]
/** Replaces each byte below 16 by its entry in a table. */
export const lookUp = (table: readonly number[], bytes: Code): Code => [...constant(table), ...bytes, 0xfd, 0x0e]
/** The upper four bits of each byte. */
export const highHalf = (bytes: Code): Code => and([...bytes, ...i32Const(4), 0xfd, 0x8d, 0x01], sameBytes(15))

/** A number of 64 bits. */
export const i64Const = (value: bigint): Code => [0x42, ...signedLeb64(value)]
/** The lower (0) or upper (1) 64 bits of a block. */
export const halfOf = (block: Code, half: 0 | 1): Code => [...block, 0xfd, 0x1d, half]
/** Sum of 64 bits. */
export const add64 = (a: Code, b: Code): Code => [...a, ...b, 0x7c]
/** Product of 64 bits. */
export const multiply64 = (a: Code, b: Code): Code => [...a, ...b, 0x7e]
/** Turns 64 bits round. */
export const rotate64 = (a: Code, by: number): Code => [...a, ...i64Const(BigInt(by)), 0x89]
/** The highest bits of 64, so many of them, as a number. */
export const highestBits = (a: Code, bits: number): Code => [...a, ...i64Const(BigInt(64 - bits)), 0x88, 0xa7]

/** One function of a module; its locals come after its parameters, the numbers before the blocks of bytes. */
export interface AssembledFunction {
  /** Null for one that only the others call. */
  readonly name: string | null
  readonly parameters: number
  readonly numbers: number
  readonly blocks: number
  readonly body: Code
}

/** A function of JavaScript, from numbers to a number. */
export interface ImportedFunction {
  readonly name: string
  readonly parameters: number
}

/** The name under which a module expects its imported functions. */
export const importModule = 'env'

/**
 * A module of functions from numbers to a number, with a memory of 64 KB pages, in WebAssembly's binary format. Imported
 * functions come first where functions are counted.
 */
export function assemble(
  functions: readonly AssembledFunction[],
  { imports = [], pages = 1 }: { imports?: readonly ImportedFunction[]; pages?: number } = {},
): Uint8Array<ArrayBuffer> {
  const types = [...functions, ...imports].map(({ parameters }) => functionType(parameters))
  const imported = imports.map(({ name }, index) => [...named(importModule), ...named(name), 0, functions.length + index])
  const bodies = functions.map(({ numbers, blocks, body }) => {
    const code = [2, numbers, i32, blocks, v128, ...body, 0x0b]
    return [...unsignedLeb(code.length), ...code]
  })
  const exported = functions.flatMap(({ name }, index) => (name === null ? [] : [[...named(name), 0, imports.length + index]]))
  const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  return Uint8Array.from([
    ...magic,
    ...section(1, [types.length, ...types.flat()]),
    ...(imports.length === 0 ? [] : section(2, [imported.length, ...imported.flat()])),
    ...section(3, [functions.length, ...functions.keys()]),
    ...section(5, [1, 0, ...unsignedLeb(pages)]),
    ...section(7, [exported.length + 1, ...named('memory'), 2, 0, ...exported.flat()]),
    ...section(10, [bodies.length, ...bodies.flat()]),
  ])
}

/** Numbers in, one number out. */
function functionType(parameters: number): Code {
  return [0x60, parameters, ...Array.from({ length: parameters }, () => i32), 1, i32]
}

function section(id: number, content: Code): Code {
  return [id, ...unsignedLeb(content.length), ...content]
}

function named(name: string): Code {
  return [name.length, ...Buffer.from(name)]
}

function unsignedLeb(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsignedLeb(value >>> 7)]
}

function signedLeb64(value: bigint): Code {
  const bytes: number[] = []
  let rest = BigInt.asIntN(64, value)
  for (;;) {
    const low = Number(rest & 127n)
    rest >>= 7n
    const isLast = (rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0)
    if (isLast) return [...bytes, low]
    bytes.push(low | 128)
  }
}
