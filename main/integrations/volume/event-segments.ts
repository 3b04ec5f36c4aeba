const segmentPattern = /^seg-(\d{5,})\.jsonl$/
const lineFeed = 0x0a

interface SegmentFiles {
  listNames(runId: string): Promise<readonly string[]>
  read(runId: string, name: string): Promise<Buffer>
}

/** Reads a run's append-only event log; a last line that is still being written is left for the next time. */
export interface EventSegments {
  read(runId: string, afterSeq: number, maxEvents: number): Promise<readonly string[]>
}

/** Builds the reader over any store that can list and read the segment files of a run. */
export function createEventSegments(files: SegmentFiles): EventSegments {
  /** Highest number seen in a segment that has a successor; such a segment never changes again. */
  const closed = new Map<string, number>()

  return {
    async read(runId, afterSeq, maxEvents) {
      const names = sortSegments(await files.listNames(runId))
      const lines: string[] = []
      let lastSeq = afterSeq
      for (const [index, name] of names.entries()) {
        if (lines.length >= maxEvents) break
        const key = `${runId}/${name}`
        if ((closed.get(key) ?? Number.POSITIVE_INFINITY) <= lastSeq) continue
        let highest = 0
        for (const { seq, text } of wholeLines(await files.read(runId, name))) {
          highest = Math.max(highest, seq)
          if (seq <= lastSeq || lines.length >= maxEvents) continue
          lines.push(text)
          lastSeq = seq
        }
        if (index < names.length - 1 && highest > 0) closed.set(key, highest)
      }
      return lines
    },
  }
}

function sortSegments(names: readonly string[]): readonly string[] {
  const numbered = names.flatMap((name) => {
    const number = segmentPattern.exec(name)?.[1]
    return number === undefined ? [] : [{ name, number: Number(number) }]
  })
  return numbered.sort((a, b) => a.number - b.number).map((entry) => entry.name)
}

function* wholeLines(bytes: Buffer): Generator<{ seq: number; text: string }> {
  for (let start = 0, end = bytes.indexOf(lineFeed); end !== -1; start = end + 1, end = bytes.indexOf(lineFeed, start)) {
    const text = bytes.toString('utf8', start, end)
    const seq = seqOf(text)
    if (seq !== undefined) yield { seq, text }
  }
}

function seqOf(text: string): number | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('seq' in value)) return undefined
    return Number.isSafeInteger(value.seq) ? Number(value.seq) : undefined
  } catch {
    // A line torn by a crash was never acknowledged, and the trainer writes it again.
    return undefined
  }
}
