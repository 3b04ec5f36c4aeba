import { connect as connectPlainly, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { createRooms } from './s3-rooms.ts'

/** Where a connection leads. */
interface ConnectionTarget {
  readonly isSecure: boolean
  readonly host: string
  readonly port: number
}

/** How long silence is borne. */
export interface ConnectionPatience {
  readonly connectMs: number
  readonly silenceMs: number
}

/** The beginning of an answer. */
export interface AnswerHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Undefined when the answer does not say how long it is. */
  readonly bodyBytes: number | undefined
  readonly staysOpen: boolean
}

/** Takes received bytes, which stay as they are until it is done; false when it wants no more. */
export type ByteSink = (bytes: Buffer) => Promise<boolean>

/** A connection that asks one thing at a time and receives into memory of its own. */
export interface Connection {
  /** True once it is of no use any more. */
  isClosed(): boolean
  /** Sends a request and waits for the beginning of the answer. */
  ask(head: string): Promise<AnswerHead>
  /** Hands out the body of the answer; after that the connection can be asked again. */
  receive(bodyBytes: number, sink: ByteSink): Promise<void>
  /** Waits for the next request without keeping the program alive. */
  rest(restMs: number): void
  close(error: Error): void
}

const longestHeadBytes = 1 << 16
/** A fast line is not taken in smaller bites, because each costs a change of threads. */
const worthwhileBytes = 1 << 17
const headEnd = '\r\n\r\n'

/** Opens one. */
export function openConnection(target: ConnectionTarget, patience: ConnectionPatience): Connection {
  let failure: Error | undefined
  let wake: (() => void) | undefined
  let isResting = false
  const rooms = createRooms(() => void (socket.isPaused() && failure === undefined && socket.resume()))
  const tell = () => {
    const waiting = wake
    wake = undefined
    waiting?.()
  }
  const close = (error: Error) => {
    failure ??= error
    socket.destroy()
    tell()
  }
  const socket = openSocket(target, {
    buffer: () => rooms.next(),
    callback: (bytes) => {
      const hasRoom = rooms.add(bytes)
      // What nobody asked for would be taken for the next answer.
      if (isResting) close(tooMuch())
      tell()
      if (!hasRoom) socket.pause()
      return hasRoom
    },
  })
  socket.setNoDelay(true)
  socket.setTimeout(patience.connectMs)
  socket.once(target.isSecure ? 'secureConnect' : 'connect', () => socket.setTimeout(patience.silenceMs))
  socket.on('timeout', () => close(coded('The network volume says nothing', 'ETIMEDOUT')))
  socket.on('error', close)
  socket.on('end', () => close(coded('The network volume hung up', 'ECONNRESET')))
  socket.on('close', () => close(coded('The network volume hung up', 'ECONNRESET')))
  const more = async () => {
    if (failure !== undefined) throw failure
    await new Promise<void>((resolve) => (wake = resolve))
  }

  return {
    isClosed: () => failure !== undefined,
    async ask(head) {
      if (failure !== undefined) throw failure
      isResting = false
      rooms.clear()
      socket.ref()
      socket.setTimeout(socket.connecting ? patience.connectMs : patience.silenceMs)
      socket.write(head)
      for (;;) {
        const arrived = rooms.peek()
        const end = arrived.indexOf(headEnd)
        if (end === -1 && arrived.length > longestHeadBytes) throw notUnderstood()
        if (end === -1) await more()
        else {
          const answer = readHead(arrived.toString('latin1', 0, end))
          rooms.skip(end + headEnd.length)
          // 103 and the like only announce the answer.
          if (answer.status >= 200) return answer
        }
      }
    },
    async receive(bodyBytes, sink) {
      for (let left = bodyBytes; left > 0;) {
        const received = rooms.take(failure === undefined ? Math.min(left, worthwhileBytes) : 0)
        if (received === undefined) {
          await more()
          continue
        }
        const bytes = received.bytes.subarray(0, left)
        if (bytes.length < received.bytes.length) close(tooMuch())
        left -= bytes.length
        const goesOn = await sink(bytes)
        received.giveBack()
        if (!goesOn) return close(coded('The rest of the answer is not wanted', 'ABORTED'))
      }
    },
    rest(restMs) {
      if (rooms.peek().length > 0) return close(tooMuch())
      isResting = true
      socket.setTimeout(restMs)
      socket.unref()
    },
    close,
  }
}

function openSocket(
  { isSecure, host, port }: ConnectionTarget,
  onread: { buffer: () => Uint8Array; callback: (bytes: number) => boolean },
): Socket {
  if (!isSecure) return connectPlainly({ host, port, onread })
  const name = isIP(host) === 0 ? { servername: host } : {}
  // The types leave out `onread`, which is handed on to the socket below.
  const options = { host, port, ...name, ALPNProtocols: ['http/1.1'], onread }
  return connectSecurely(options)
}

function readHead(text: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n')
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first) ?? []
  if (status === undefined) throw notUnderstood()
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const isPlain = headers['transfer-encoding'] === undefined && headers['content-encoding'] === undefined
  const length = /^\d{1,15}$/.exec(headers['content-length'] ?? '')?.[0]
  return {
    status: Number(status),
    headers,
    bodyBytes: isPlain && length !== undefined ? Number(length) : undefined,
    staysOpen: minor === '1' && !/\bclose\b/i.test(headers['connection'] ?? ''),
  }
}

function tooMuch(): Error {
  return coded('The network volume sent more than it said', 'TOO_LONG_ANSWER')
}

function notUnderstood(): Error {
  return coded('The network volume does not speak HTTP', 'UNREADABLE_ANSWER')
}

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code })
}
