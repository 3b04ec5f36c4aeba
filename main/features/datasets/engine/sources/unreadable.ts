import type { SourceSniff, UnreadableReason } from './source-types.ts'

/** What the text of an error says: what is wrong, then what to do. */
export function splitMessage(message: string): UnreadableReason {
  const end = message.indexOf('. ')
  return end < 0
    ? { message, suggestion: 'Choose another file.' }
    : { message: message.slice(0, end + 1), suggestion: message.slice(end + 2) }
}

/** The finding on a file that cannot be read. */
export function unreadable(sizeBytes: number, problem: UnreadableReason): SourceSniff {
  return {
    format: 'jsonl',
    compression: null,
    encoding: null,
    evidence: [],
    sizeBytes,
    columns: null,
    table: null,
    list: null,
    isPlain: false,
    problem,
  }
}
