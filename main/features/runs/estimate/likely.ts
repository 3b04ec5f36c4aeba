import type { Range } from '../../../../preload/contract/primitives.ts'

/** A figure that is not known exactly: the middle and what it will hardly be below or above. */
export interface Likely {
  readonly low: number
  readonly mid: number
  readonly high: number
}

/** A figure that is known. */
export function exactly(value: number): Likely {
  return { low: value, mid: value, high: value }
}

/** The sum of figures that are uncertain together. */
export function sumOf(...parts: readonly Likely[]): Likely {
  return parts.reduce((sum, part) => ({ low: sum.low + part.low, mid: sum.mid + part.mid, high: sum.high + part.high }), exactly(0))
}

/** The product of two uncertain figures that are not below zero. */
export function productOf(a: Likely, b: Likely): Likely {
  return { low: a.low * b.low, mid: a.mid * b.mid, high: a.high * b.high }
}

/** A figure times a known number that is not below zero. */
export function scaled(part: Likely, factor: number): Likely {
  return productOf(part, exactly(factor))
}

/** Moves both ends away from the middle; `spread` is a share on a logarithmic scale, so that 0.7 is half to double. */
export function widened({ low, mid, high }: Likely, spread: number): Likely {
  return { low: low * Math.exp(-spread), mid, high: high * Math.exp(spread) }
}

/** Whole units: the ends are rounded outwards. */
export function rangeOf({ low, high }: Likely): Range {
  return { low: Math.floor(low), high: Math.ceil(high) }
}
