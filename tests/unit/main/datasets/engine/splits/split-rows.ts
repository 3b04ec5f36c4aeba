import type { SplitSettings } from '../../../../../../preload/contract/datasets.ts'
import type { SplitInput } from '../../../../../../main/features/datasets/engine/splits/assign-splits.ts'

/** One row of a made-up dataset; equal numbers mean equal hashes, 0 means none. */
export interface MadeUpRow {
  readonly content: number
  readonly prompt: number
  readonly near?: number
  readonly stratum?: number
  readonly usable?: boolean
}

/** Settings with everything off but what a test names. */
export function splitSettings(changes: Partial<SplitSettings>): SplitSettings {
  return { seed: 7, validationShare: 0.1, testShare: 0, stratifyBy: 'none', ...changes }
}

/** Packs made-up rows into columns; the hashes are spread over both words. */
export function splitInput(rows: readonly MadeUpRow[], settings: SplitSettings): SplitInput {
  const column = (pick: (row: MadeUpRow) => number) => Uint32Array.from(rows, pick)
  return {
    rows: rows.length,
    usable: Uint8Array.from(rows, (row) => (row.usable === false ? 0 : 1)),
    contentLow: column((row) => Math.imul(row.content, 0x9e37_79b1)),
    contentHigh: column((row) => Math.imul(row.content, 0x85eb_ca77)),
    promptLow: column((row) => Math.imul(row.prompt, 0xc2b2_ae3d)),
    promptHigh: column((row) => Math.imul(row.prompt, 0x27d4_eb2f)),
    nearGroup: rows.some((row) => row.near !== undefined) ? column((row) => row.near ?? 0) : null,
    stratum: rows.some((row) => row.stratum !== undefined) ? Uint16Array.from(rows, (row) => row.stratum ?? 0) : null,
    settings,
  }
}

/** Rows that share nothing. */
export function distinctRows(count: number, stratumOf?: (index: number) => number): MadeUpRow[] {
  return Array.from({ length: count }, (_, index) => ({
    content: index + 1,
    prompt: index + 1,
    ...(stratumOf === undefined ? {} : { stratum: stratumOf(index) }),
  }))
}
