/** The same numbers from 0 up to 1 for the same seed, so that every run measures the same input. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    // Xorshift with the shifts 13, 17, 5 (Marsaglia 2003).
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

/** Bytes that do not compress, the same for the same seed. */
export function randomBytesOf(seed: number, count: number): Buffer {
  const words = new Uint32Array(Math.ceil(count / 4))
  const random = createRandom(seed)
  for (let index = 0; index < words.length; index += 1) words[index] = random() * 2 ** 32
  return Buffer.from(words.buffer, 0, count)
}
