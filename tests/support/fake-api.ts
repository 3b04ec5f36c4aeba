import { createServer, type IncomingHttpHeaders } from 'node:http'

/** What a scripted server answers; an object is sent as JSON. */
export interface ScriptedReply {
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** Breaks the connection instead of answering. */
  readonly breaks?: boolean
}

/** One request as the server received it. */
export interface ReceivedCall {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A loopback server that answers each path with its replies in turn; the last one stays. */
export async function startFakeApi(script: Record<string, readonly ScriptedReply[]>) {
  const calls: ReceivedCall[] = []
  const position = new Map<string, number>()
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      calls.push({ method: request.method ?? '', path, headers: request.headers, body })
      const replies = script[path] ?? [{ status: 404, body: { error: 'nothing here' } }]
      const index = position.get(path) ?? 0
      position.set(path, index + 1)
      const reply = replies[Math.min(index, replies.length - 1)]
      if (reply === undefined || reply.breaks === true) return request.socket.destroy()
      const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {})
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers }).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
