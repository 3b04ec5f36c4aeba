/** First and last code points that fuzzed strings draw from; ASCII stands twice for double weight. */
const ranges: readonly (readonly [number, number])[] = [
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0x00, 0x1f],
  [0x80, 0xff],
  [0x100, 0x24f],
  [0x2b0, 0x36f],
  [0x370, 0x52f],
  [0x590, 0x6ff],
  [0x900, 0x97f],
  [0xe00, 0xe7f],
  [0x1100, 0x11ff],
  [0x1e00, 0x1fff],
  [0x2000, 0x206f],
  [0x2070, 0x218f],
  [0x2580, 0x27bf],
  [0x3000, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xfb00, 0xffef],
  [0x10000, 0x10fff],
  [0x1d400, 0x1d7ff],
  [0x1f1e6, 0x1f9ff],
]

/** A small generator of numbers from 0 to below 1, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Strings of 1 to 40 code points that wander between scripts, the same for the same seed. */
export function fuzzedTexts(count: number, seed: number): string[] {
  const random = seededRandom(seed)
  const pick = (below: number): number => Math.floor(random() * below)
  return Array.from({ length: count }, () => {
    let range = ranges[pick(ranges.length)] ?? [0x20, 0x7e]
    let text = ''
    for (let left = 1 + pick(40); left > 0; left--) {
      if (random() < 0.3) range = ranges[pick(ranges.length)] ?? range
      text += String.fromCodePoint(range[0] + pick(range[1] - range[0] + 1))
    }
    return text
  })
}
