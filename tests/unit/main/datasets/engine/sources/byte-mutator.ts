/** Tokens that readers treat in a special way. */
const tokens = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\ufeff',
  '""',
  '},{"',
  '\\u',
  ';',
  '\t',
  '[[',
  '}}',
  '\u2028',
].map((token) => Buffer.from(token))
const numbers = [0, 1, 2, 0x7f, 0x80, 0xc3, 0xfe, 0xff]

/** Creates a function that damages bytes in one to four random ways; the same seed gives the same damage. */
export function createMutator(seed: number, others: readonly Buffer[]): (content: Buffer) => Buffer {
  let state = seed >>> 0
  const random = (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
  const pick = <T>(items: readonly T[], fallback: T): T => items[random(items.length)] ?? fallback
  const damage = (bytes: Buffer): Buffer => {
    const at = random(bytes.length + 1)
    const end = Math.min(bytes.length, at + 1 + random(12))
    switch (random(9)) {
      case 0:
        bytes[at] = random(256)
        return bytes
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
        return bytes
      case 2:
        bytes[at] = pick(numbers, 0)
        return bytes
      case 3:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
      case 4:
        return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
      case 5:
        return Buffer.concat([bytes.subarray(0, at), pick(tokens, bytes), bytes.subarray(at)])
      case 6:
        return bytes.subarray(0, at)
      case 7: {
        const other = pick(others, bytes)
        const from = random(other.length)
        return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + random(60)), bytes.subarray(end)])
      }
      default:
        return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + random(40), random(256)), bytes.subarray(end)])
    }
  }
  return (content) => {
    let bytes: Buffer = Buffer.from(content)
    for (let times = 1 + random(4); times > 0; times -= 1) bytes = damage(bytes)
    return bytes
  }
}
