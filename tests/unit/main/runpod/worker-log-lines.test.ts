import { createServer, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createControlPlane } from '../../../../main/integrations/runpod/control-plane.ts'
import type { Clock } from '../../../../main/lib/clock.ts'
import { silentLog } from '../../../../main/lib/log.ts'

const line = (text: string) => `id: ${text}\ndata: ${JSON.stringify({ source: 'container', line: text, ts: '2026-06-01T12:05:04Z' })}\n\n`

/** A clock whose timers go off by hand; a timer can be waited for until it is set. */
function createManualClock() {
  const timers = new Set<{ delayMs: number; callback: () => void }>()
  const waiting: (() => void)[] = []
  const clock: Clock = {
    nowMs: () => 0,
    after(delayMs, callback) {
      const timer = { delayMs, callback }
      timers.add(timer)
      waiting.splice(0).forEach((look) => look())
      return () => void timers.delete(timer)
    },
  }
  return {
    clock,
    timers,
    async whenSet(isIt: (delayMs: number) => boolean) {
      for (;;) {
        const found = [...timers].find(({ delayMs }) => isIt(delayMs))
        if (found !== undefined) return found
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
  }
}

describe('the newest lines of a worker’s log', () => {
  let close: (() => Promise<void>) | undefined
  afterEach(() => close?.())

  const serve = async (answer: (response: ServerResponse) => void) => {
    const closed: Promise<void>[] = []
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      closed.push(new Promise((resolve) => response.once('close', resolve)))
      answer(response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    close = () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    const address = server.address()
    const manual = createManualClock()
    const plane = createControlPlane({
      baseUrl: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
      apiKey: () => 'rpa_SECRETSECRETSECRET',
      clock: manual.clock,
      log: silentLog,
      userAgent: 'Tunesmith/1',
    })
    return { plane, closed, asked, ...manual }
  }
  const stream = (text: string) => (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(text === '' ? ': nothing yet\n\n' : text)
  }

  it('ends after a short silence, although the server never closes', async () => {
    const { plane, whenSet, closed, timers } = await serve(stream(`${line('a')}: end of backlog\n\n`))
    const reading = plane.workerLogLines('ep1', 'w1', { maxLines: 20 })
    const pause = await whenSet((delayMs) => delayMs < 10_000)
    pause.callback()
    expect((await reading).map(({ text }) => text)).toEqual(['a'])
    await closed[0]
    expect([...timers]).toEqual([])
  })

  it('asks for no more lines than wanted and ends with the last of them', async () => {
    const { plane, asked, closed } = await serve(stream(['a', 'b', 'c', 'd'].map(line).join('')))
    expect((await plane.workerLogLines('ep1', 'w1', { maxLines: 3 })).map(({ text }) => text)).toEqual(['a', 'b', 'c'])
    expect(asked).toEqual(['/serverless/ep1/workers/w1/logs?tail=3'])
    await closed[0]
  })

  it('a worker that has said nothing has no lines; nobody waits for its first one', async () => {
    const { plane, whenSet, closed } = await serve(stream(''))
    const reading = plane.workerLogLines('ep1', 'w1', { maxLines: 20 })
    const limit = await whenSet((delayMs) => delayMs === 10_000)
    limit.callback()
    expect(await reading).toEqual([])
    await Promise.all(closed)
  })

  it('a log that ends is read to its end, once', async () => {
    const { plane, asked } = await serve((response) => {
      stream(line('a'))(response)
      response.end(line('b'))
    })
    expect((await plane.workerLogLines('ep1', 'w1', { maxLines: 20 })).map(({ text }) => text)).toEqual(['a', 'b'])
    expect(asked).toHaveLength(1)
  })

  it('a connection that breaks keeps the lines it gave; one that gave none is an error, not an empty log', async () => {
    const broken = await serve((response) => response.destroy())
    await expect(broken.plane.workerLogLines('ep1', 'w1', { maxLines: 20 })).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      retryable: true,
    })
    await close?.()
    const { plane, whenSet } = await serve((response) => {
      stream(line('a'))(response)
      void whenSet((delayMs) => delayMs < 10_000).then(() => response.destroy())
    })
    expect(await plane.workerLogLines('ep1', 'w1', { maxLines: 20 })).toMatchObject([{ text: 'a' }])
  })

  it('rejects when it is called off, and leaves no connection and no timer behind', async () => {
    const { plane, whenSet, closed, timers } = await serve(stream(line('a')))
    const calledOff = new AbortController()
    const reading = plane.workerLogLines('ep1', 'w1', { maxLines: 20, signal: calledOff.signal })
    await whenSet((delayMs) => delayMs < 10_000)
    calledOff.abort(new Error('called off'))
    await expect(reading).rejects.toThrow('called off')
    await closed[0]
    expect([...timers]).toEqual([])
  })
})
