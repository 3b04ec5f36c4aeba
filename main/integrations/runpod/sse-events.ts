import { StringDecoder } from 'node:string_decoder'

/** One event of a server-sent event stream. */
export interface SseEvent {
  /** Where to go on after a break; empty when the server gives no ids. */
  readonly lastEventId: string
  readonly type: string
  readonly data: string
}

/** A line or an event longer than this is cut: no log line is, and memory has an end. */
const longestText = 1_000_000

/** Reads server-sent events from chunks that may be cut anywhere, inside a character too. */
export function createSseReader(): { push(chunk: Uint8Array): readonly SseEvent[] } {
  const decoder = new StringDecoder('utf8')
  const fields = createFields()
  let isStart = true
  let endedWithCr = false
  let rest = ''

  return {
    push(chunk) {
      let text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
      if (text === '') return []
      if (isStart && text.startsWith('\uFEFF')) text = text.slice(1)
      isStart = false
      // The line already ended with the CR of the chunk before.
      if (endedWithCr && text.startsWith('\n')) text = text.slice(1)
      endedWithCr = text.endsWith('\r')
      const lines = text.split(/\r\n|\n|\r/)
      lines[0] = rest + (lines[0] ?? '')
      rest = (lines.pop() ?? '').slice(0, longestText)
      return lines.flatMap((line) => fields.take(line))
    },
  }
}

function createFields(): { take(line: string): readonly SseEvent[] } {
  let lastEventId = ''
  let type = ''
  let data: string[] = []
  let dataLength = 0

  const release = (): readonly SseEvent[] => {
    const event = { lastEventId, type: type === '' ? 'message' : type, data: data.join('\n') }
    const isEmpty = data.length === 0
    type = ''
    data = []
    dataLength = 0
    return isEmpty ? [] : [event]
  }

  return {
    take(line) {
      if (line === '') return release()
      const colon = line.indexOf(':')
      if (colon === 0) return []
      const name = colon === -1 ? line : line.slice(0, colon)
      const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
      if (name === 'data' && dataLength <= longestText) {
        data.push(value)
        dataLength += value.length + 1
      }
      if (name === 'event') type = value
      if (name === 'id' && !value.includes('\0')) lastEventId = value
      return []
    },
  }
}
