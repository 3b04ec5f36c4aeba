import type { Clock } from '../../../lib/clock.ts'
import type { NewWorkerLine } from './repository.ts'

const writeAfterMs = 250
const mostTogether = 500

/** Gathers lines and writes them a few times a second, in one go each time. */
export function createLineWriter({ clock, write }: { clock: Clock; write: (lines: readonly NewWorkerLine[]) => void }) {
  let waiting: NewWorkerLine[] = []
  let cancel: (() => void) | null = null
  let failure: unknown = null
  const flush = () => {
    cancel?.()
    cancel = null
    const lines = waiting
    waiting = []
    if (lines.length > 0) write(lines)
  }
  const flushLater = () => {
    try {
      flush()
    } catch (problem) {
      // Told with the next line: a timer has nobody to tell.
      failure = problem
    }
  }
  return {
    /** True when enough came together that they were written at once. */
    add(line: NewWorkerLine): boolean {
      if (failure !== null) throw failure
      waiting.push(line)
      if (waiting.length >= mostTogether) {
        flush()
        return true
      }
      cancel ??= clock.after(writeAfterMs, flushLater)
      return false
    },
    /** Writes the rest. */
    close: flush,
  }
}
