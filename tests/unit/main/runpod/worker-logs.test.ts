import { createServer, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createControlPlane } from '../../../../main/integrations/runpod/control-plane.ts'
import type { WorkerLogLine } from '../../../../main/integrations/runpod/worker-logs.ts'
import { silentLog } from '../../../../main/lib/log.ts'
import { startFakeApi, type ScriptedReply } from '../../../support/fake-api.ts'
import { createInstantClock } from '../../../support/instant-clock.ts'

const sse = { 'content-type': 'text/event-stream' }
const path = '/serverless/ep1/workers/w1/logs?tail=100'
const event = (id: number, line: string, source = 'container') =>
  `id: 2026-06-01T12:05:04Z/${id}\ndata: ${JSON.stringify({ ts: '2026-06-01T12:05:04Z', source, line })}\n\n`

const plane = (baseUrl: string) =>
  createControlPlane({
    baseUrl,
    apiKey: () => 'rpa_SECRETSECRETSECRET',
    clock: createInstantClock(),
    log: silentLog,
    userAgent: 'Tunesmith/1',
  })

const collect = async (lines: AsyncIterable<WorkerLogLine>): Promise<string[]> => {
  const texts: string[] = []
  for await (const line of lines) texts.push(`${line.source} ${line.text}`)
  return texts
}

describe('worker log stream', () => {
  let close: (() => Promise<void>) | undefined
  afterEach(() => close?.())

  const follow = async (replies: readonly ScriptedReply[], tail?: number) => {
    const api = await startFakeApi({ [path]: replies, [path.replace('100', '0')]: replies })
    close = api.close
    const lines = plane(api.url).streamWorkerLogs('ep1', 'w1', {
      signal: new AbortController().signal,
      ...(tail === undefined ? {} : { tail }),
    })
    return { api, lines }
  }

  it('goes on after a break where it stopped, repeats no line and ends when the worker is gone', async () => {
    const { api, lines } = await follow([
      { headers: sse, body: event(1, 'pulling image', 'system') + event(2, 'a') },
      { status: 502, body: '<html></html>' },
      { headers: sse, body: `${event(2, 'a')}: ping\n\n${event(3, 'b')}` },
      { status: 404, body: { title: 'Not Found' } },
    ])
    expect(await collect(lines)).toEqual(['system pulling image', 'container a', 'container b'])
    expect(api.calls.map((call) => call.headers['last-event-id'])).toEqual([
      undefined,
      '2026-06-01T12:05:04Z/2',
      '2026-06-01T12:05:04Z/2',
      '2026-06-01T12:05:04Z/3',
    ])
    expect(api.calls[0]?.headers).toMatchObject({ accept: 'text/event-stream', 'user-agent': 'Tunesmith/1' })
  })

  it('ends, instead of asking for ever, when the server keeps closing without a new line', async () => {
    const { api, lines } = await follow([{ headers: sse, body: event(1, 'only') }], 0)
    expect(await collect(lines)).toEqual(['container only'])
    expect(api.calls.length).toBeLessThan(8)
  })

  it('without ids it reads once, since a new connection would repeat every line', async () => {
    const { api, lines } = await follow([{ headers: sse, body: 'data: {"line":"x"}\n\ndata: no JSON\n\ndata: {"ts":1}\n\n' }])
    expect(await collect(lines)).toEqual(['container x'])
    expect(api.calls).toHaveLength(1)
  })

  it('takes secrets out of the lines', async () => {
    const { lines } = await follow([{ headers: sse, body: 'data: {"line":"login with hf_PLANTEDPLANTED","ts":"bad"}\n\n' }])
    const seen: WorkerLogLine[] = []
    for await (const line of lines) seen.push(line)
    expect(seen[0]).toEqual({ source: 'container', atMs: null, text: 'login with [redacted]' })
  })

  it.each<[string, ScriptedReply, string]>([
    ['a worker that never was', { status: 404, body: '' }, 'ENDPOINT_NOT_FOUND'],
    ['a key without permission', { status: 403, body: '' }, 'ENDPOINT_REFUSED'],
    ['a sign-in page', { headers: { 'content-type': 'text/html' }, body: '<html></html>' }, 'RUNPOD_REPLY_INVALID'],
    ['a server that stays broken', { breaks: true }, 'ENDPOINT_UNREACHABLE'],
    ['a server that stays overloaded', { status: 503, body: '' }, 'ENDPOINT_UNREACHABLE'],
  ])('names %s', async (_name, reply, code) => {
    const { lines } = await follow([reply])
    await expect(collect(lines)).rejects.toMatchObject({ code })
  })

  it('lets go of the connection when the reader stops, and when it is called off', async () => {
    const closed: Promise<void>[] = []
    const open: ServerResponse[] = []
    const server = createServer((_request, response) => {
      open.push(response)
      closed.push(new Promise((resolve) => response.once('close', resolve)))
      response.writeHead(200, sse)
      response.write(event(open.length, 'first'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    close = () => new Promise((resolve) => server.close(() => resolve()))
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    for await (const line of plane(url).streamWorkerLogs('ep1', 'w1', { signal: new AbortController().signal })) {
      expect(line.text).toBe('first')
      break
    }
    await closed[0]
    const calledOff = new AbortController()
    const seen: string[] = []
    for await (const line of plane(url).streamWorkerLogs('ep1', 'w1', { signal: calledOff.signal })) {
      seen.push(line.text)
      calledOff.abort()
    }
    await closed[1]
    expect(seen).toEqual(['first'])
    expect(open).toHaveLength(2)
  })
})
