import { endOfRun } from './byte-run.ts'
import { createListResync } from './list-resync.ts'
import { createListStart } from './list-start.ts'
import type { RowWriter } from './row-writer.ts'
import type { ListLayout, SourceReader } from './source-types.ts'
import {
  backslash,
  carriageReturn,
  closeBrace,
  closeBracket,
  colon,
  comma,
  lineFeed,
  openBrace,
  openBracket,
  quote,
  space,
} from './signs.ts'

/** What `previous` holds after a literal such as a number. */
const literal = 1
const nothing = 0

const textStops = new Uint8Array(256)
for (const stop of [quote, backslash, lineFeed, carriageReturn]) textStops[stop] = 1

/** A text that ends a line in this way was surely not closed. */
const endsLikeElement = /[}\]]\s*,\s*$/

const stateBefore = 0
const stateBetween = 1
const stateElement = 2
const stateBroken = 3
const stateAfter = 4

/**
 * Creates a reader that cuts a JSON list, or JSON values one after another, into one row each.
 * An element keeps its bytes: only line breaks outside texts become spaces, and nothing is parsed.
 */
export function createJsonListReader(layout: ListLayout, writer: RowWriter): SourceReader {
  const isSequence = layout.kind === 'sequence'
  const listStart = createListStart(layout)
  const resync = createListResync(writer)
  let state = isSequence ? stateBetween : stateBefore
  let hasListEnded = false
  let hasReportedRest = false
  let line = 1
  let depth = 0
  let stack = new Uint8Array(64)
  let inText = false
  let isEscaped = false
  let isIndent = false
  let previous = nothing

  const reportRest = () => {
    if (!hasReportedRest) writer.problem(line, 'text_after_list')
    hasReportedRest = true
  }
  const begin = () => {
    writer.begin(line)
    depth = 0
    inText = false
    isEscaped = false
    isIndent = false
    previous = nothing
    state = stateElement
    if (hasListEnded) reportRest()
  }
  const finish = () => {
    writer.end()
    state = stateBetween
  }
  const skipBetween = (chunk: Buffer, start: number): number => {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] as number
      if (byte === lineFeed) line += 1
      else if (byte > space && byte !== comma) {
        if (byte === closeBracket && !isSequence) {
          state = stateAfter
          return at + 1
        }
        begin()
        return at
      }
    }
    return chunk.length
  }
  const skipAfter = (chunk: Buffer, start: number): number => {
    hasListEnded = true
    if (layout.kind === 'property') {
      listStart.skipRest(chunk, start)
      return chunk.length
    }
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] as number
      if (byte === lineFeed) line += 1
      else if (byte === openBracket) {
        // Lists one after another are one list.
        hasListEnded = false
        state = stateBetween
        return at + 1
      } else if (byte === closeBracket || byte === closeBrace) {
        reportRest()
      } else if (byte > space && byte !== comma) {
        begin()
        return at
      }
    }
    return chunk.length
  }
  const open = (byte: number) => {
    if (depth === stack.length) {
      const larger = new Uint8Array(stack.length * 2)
      larger.set(stack)
      stack = larger
    }
    stack[depth] = byte
    depth += 1
    previous = byte
  }
  const breakOff = (chunk: Buffer, sliceStart: number, at: number): number => {
    writer.add(chunk, sliceStart, at)
    resync.begin()
    state = stateBroken
    return at
  }
  /** A line break or another control character inside a text; answers whether the text is surely not closed. */
  const breakInText = (byte: number): boolean => {
    if (endsLikeElement.test(writer.rowBytes().subarray(-40).toString('latin1'))) return true
    if (byte === lineFeed) {
      writer.problem(line, 'line_break_in_text')
      line += 1
    }
    if (isEscaped) {
      writer.addByte(space)
    } else {
      writer.addByte(backslash)
      writer.addByte(byte === lineFeed ? 0x6e : 0x72)
    }
    isEscaped = false
    return false
  }

  // One loop over all bytes: calls per byte would halve its speed.
  const readElement = (chunk: Buffer, start: number): number => {
    const end = chunk.length
    let at = start
    let from = start
    while (at < end) {
      if (inText) {
        let byte = 0
        if (isEscaped) {
          byte = chunk[at] as number
          if (byte !== lineFeed && byte !== carriageReturn) {
            isEscaped = false
            at += 1
            continue
          }
        } else {
          at = endOfRun(chunk, at, textStops)
          if (at === end) break
          byte = chunk[at] as number
        }
        if (byte === quote) {
          inText = false
          previous = quote
        } else if (byte === backslash) {
          isEscaped = true
        } else {
          writer.add(chunk, from, at)
          from = at + 1
          if (breakInText(byte)) {
            resync.begin()
            state = stateBroken
            return at
          }
        }
        at += 1
        continue
      }
      const byte = chunk[at] as number
      if (isIndent) {
        if (byte <= space) {
          if (byte === lineFeed) line += 1
          at += 1
          from = at
          continue
        }
        isIndent = false
      }
      switch (byte) {
        case quote:
          if (previous === literal || previous === quote || previous === closeBrace || previous === closeBracket)
            return breakOff(chunk, from, at)
          inText = true
          break
        case openBrace:
        case openBracket: {
          const isExpected =
            depth === 0
              ? previous === nothing
              : stack[depth - 1] === openBrace
                ? previous === colon
                : previous === comma || previous === openBracket
          if (!isExpected) return breakOff(chunk, from, at)
          open(byte)
          break
        }
        case closeBrace:
        case closeBracket:
          if (depth === 0) {
            if (byte === closeBracket && !isSequence) {
              writer.add(chunk, from, at)
              finish()
              return at
            }
            previous = literal
            break
          }
          // In ASCII both closing brackets stand two after their opening ones.
          if (stack[depth - 1] !== byte - 2) return breakOff(chunk, from, at)
          depth -= 1
          previous = byte
          if (depth === 0) {
            writer.add(chunk, from, at + 1)
            finish()
            return at + 1
          }
          break
        case comma:
          if (depth === 0) {
            writer.add(chunk, from, at)
            finish()
            return at
          }
          previous = comma
          break
        case colon:
          if (depth === 1 && !resync.isLearned) {
            writer.add(chunk, from, at)
            from = at
            resync.learn()
          }
          previous = colon
          break
        case lineFeed:
        case carriageReturn:
          writer.add(chunk, from, at)
          if (depth === 0) {
            finish()
            return at
          }
          writer.addByte(space)
          from = at
          isIndent = true
          continue
        case space:
        case 0x09:
          break
        default:
          if (previous === quote || previous === closeBrace || previous === closeBracket) return breakOff(chunk, from, at)
          previous = literal
      }
      at += 1
    }
    writer.add(chunk, from, end)
    return end
  }
  const readBroken = (chunk: Buffer, start: number): number => {
    const at = resync.read(chunk, start, line)
    line = resync.elementLine
    if (resync.isFound) begin()
    line = resync.line
    if (!resync.isFound) return at
    resync.replay()
    open(openBrace)
    previous = literal
    inText = false
    if (resync.endsInQuote) previous = quote
    return at
  }

  return {
    push(chunk, start) {
      let at = start
      while (at < chunk.length) {
        switch (state) {
          case stateBefore: {
            at = listStart.find(chunk, at)
            line = listStart.line
            if (listStart.isFound) state = stateBetween
            break
          }
          case stateBetween:
            if (writer.isFull) return at
            at = skipBetween(chunk, at)
            break
          case stateElement:
            at = readElement(chunk, at)
            break
          case stateBroken:
            at = readBroken(chunk, at)
            break
          default:
            at = skipAfter(chunk, at)
        }
      }
      return at
    },
    end() {
      if (state === stateBefore) writer.problem(line, 'list_not_found')
      if (listStart.hasOtherProperties) writer.problem(1, 'properties_left_out')
      if (state === stateBroken) {
        const isClosed = resync.finish(layout.kind)
        writer.end()
        if (!isClosed) writer.problem(line, 'list_cut_off')
      } else if (state === stateElement) {
        const isWhole = isSequence && depth === 0 && !inText
        writer.end()
        if (!isWhole) writer.problem(line, 'list_cut_off')
      } else if (state === stateBetween && !isSequence && !hasListEnded) {
        writer.problem(line, 'list_cut_off')
      }
    },
  }
}
