/**
 * Cuts text into the pieces that a vocabulary merges one by one: writes where each piece ends into `ends`, beginning at `at`,
 * until `ends` is full or the text is over, and answers how many it wrote. The text ends with `END_BYTE`.
 */
export type Scanner = (bytes: Uint8Array, at: number, ends: Int32Array) => number
