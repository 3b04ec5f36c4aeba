import type { ScanColumns } from '../columns.ts'
import { flagNumbers } from '../hygiene/flags.ts'
import { commonScriptOf } from '../hygiene/scripts-of-text.ts'

const clearMajority = 0.9

/** Flags the rows in another writing system than nearly all rows; a mixed set has no such rows. */
export function markOtherScripts(scan: ScanColumns): void {
  const { script, share } = commonScriptOf(scan.script)
  if (share < clearMajority) return
  for (let row = 0; row < scan.script.length; row += 1) {
    const own = scan.script[row] as number
    if (own !== 0 && own !== script) scan.flags[row] = ((scan.flags[row] as number) | (1 << flagNumbers.otherScript)) >>> 0
  }
}
