import { createHash } from 'node:crypto'
import type { ChatMessage, DatasetError, DatasetErrorCode, DatasetShape, DatasetStats } from '../../../preload/contract/datasets.ts'
import { isBlankLine, type Line } from './line-splitter.ts'
import { canonicalLine, maxRowBytes, parseRowBytes, type RowShape } from './parse-row.ts'

/** How often each error code occurred; codes that did not occur are absent. */
export type ErrorCounts = Partial<Record<DatasetErrorCode, number>>

/** What a whole file turned out to be. */
export interface CheckSummary {
  readonly shape: DatasetShape | null
  readonly stats: DatasetStats
  readonly errorCounts: ErrorCounts
}

interface CheckSink {
  onUsableRow(line: Line): void
  onError(error: DatasetError): void
}

/** Checks rows one after another and never stops at the first fault. */
export interface RowChecker {
  check(line: Line): void
  summary(): CheckSummary
}

/** Of each code this many errors are handed on; all of them are counted. */
export const maxStoredErrorsPerCode = 1000
/** Half a SHA-256 still makes an accidental match a matter of 2^64 rows, at half the memory. */
const duplicateKeyBytes = 16

/** Creates a checker for one file. */
export function createRowChecker(sink: CheckSink): RowChecker {
  const errorCounts: ErrorCounts = {}
  const shapes = new Set<RowShape>()
  const seen = new Set<string>()
  const sums = { validRows: 0, errorRows: 0, errors: 0, blankLines: 0, turns: 0, assistantTurns: 0, characters: 0, assistantCharacters: 0 }
  let longestRowCharacters = 0

  const report = (error: DatasetError) => {
    const count = (errorCounts[error.code] ?? 0) + 1
    errorCounts[error.code] = count
    sums.errors += 1
    if (count <= maxStoredErrorsPerCode) sink.onError(error)
  }
  const countConversation = (messages: readonly ChatMessage[]) => {
    let characters = 0
    for (const { role, content } of messages) {
      const length = countCharacters(content)
      characters += length
      if (role !== 'assistant') continue
      sums.assistantTurns += 1
      sums.assistantCharacters += length
    }
    sums.turns += messages.length
    sums.characters += characters
    longestRowCharacters = Math.max(longestRowCharacters, characters)
    seen.add(createHash('sha256').update(canonicalLine(messages)).digest().toString('latin1', 0, duplicateKeyBytes))
  }

  return {
    check(line) {
      if (line.bytes === null) {
        sums.errorRows += 1
        report(tooLarge(line))
        return
      }
      if (isBlankLine(line.bytes)) {
        sums.blankLines += 1
        return
      }
      const row = parseRowBytes(line.bytes)
      switch (row.kind) {
        case 'metadata':
          return
        case 'conversation':
          shapes.add(row.shape)
          sums.validRows += 1
          countConversation(row.messages)
          sink.onUsableRow(line)
          return
        case 'faulty':
          if (row.shape !== null) shapes.add(row.shape)
          sums.errorRows += 1
          for (const fault of row.faults) report({ line: line.number, ...fault })
      }
    },
    summary: () => ({
      shape: shapes.size > 1 ? 'mixed' : ([...shapes][0] ?? null),
      errorCounts,
      stats: {
        ...sums,
        rows: sums.validRows + sums.errorRows,
        tokensEstimate: Math.round(sums.characters / 4),
        turnsPerRowMean: sums.validRows === 0 ? 0 : sums.turns / sums.validRows,
        longestRowCharacters,
        duplicateRows: sums.validRows - seen.size,
      },
    }),
  }
}

function tooLarge(line: Line): DatasetError {
  return {
    line: line.number,
    pointer: '',
    code: 'ROW_TOO_LARGE',
    message: `The line is ${toMegabytes(line.lengthBytes)} MB long; a conversation may have at most ${toMegabytes(maxRowBytes)} MB.`,
    suggestion: 'Split the conversation, or check that the line breaks between conversations are there.',
  }
}

function toMegabytes(bytes: number): number {
  return Math.ceil(bytes / (1024 * 1024))
}

/** Characters as a reader counts them: an emoji outside the basic plane is one, not two. */
function countCharacters(text: string): number {
  let pairs = 0
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit >= 0xd800 && unit <= 0xdbff) pairs += 1
  }
  return text.length - pairs
}
