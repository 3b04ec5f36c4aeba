/** Columns that the check pass fills, one entry per row. Offsets are absolute bytes in the working file. */
export interface RowColumns {
  readonly rows: number
  readonly offset: Float64Array
  readonly length: Uint32Array
  /** 1-based line in the working file. */
  readonly line: Uint32Array
  /** Number of the shape in `rowShapeSchema.options` plus one; 0 = none. */
  readonly shape: Uint8Array
  readonly turns: Uint16Array
  readonly characters: Uint32Array
  readonly rulesLow: Uint32Array
  readonly rulesHigh: Uint32Array
  /** xxHash64 of the row's bytes, low and high word. */
  readonly hashLow: Uint32Array
  readonly hashHigh: Uint32Array
}

/** Columns that the token pass fills; 0 for unusable rows. */
export interface TokenColumns {
  readonly total: Uint32Array
  readonly trained: Uint32Array
}

/** Columns that the scan pass fills. */
export interface ScanColumns {
  /** Bits of the flag table. */
  readonly flags: Uint32Array
  /** Number of the main writing system in the script table. */
  readonly script: Uint8Array
  /** 64-bit hash of the normalised conversation (case and white space folded). */
  readonly contentLow: Uint32Array
  readonly contentHigh: Uint32Array
  /** 64-bit hash of everything before the last assistant turn. */
  readonly promptLow: Uint32Array
  readonly promptHigh: Uint32Array
}
