import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { routes, type RouteName } from '../../../../preload/contract/contract.ts'
import { AppError, type IpcAnswer } from '../../../../preload/contract/errors.ts'
import { createDispatch, failure, invalidInput, type HandlerTable } from '../../../../main/ipc/router.ts'
import { createLog } from '../../../../main/lib/log.ts'

const names = Object.keys(routes) as RouteName[]
const context = { windowId: 7, droppedPath: null }

/** A table whose every handler does the same; what it was given is kept. */
function createRouter(act: (input: unknown, context: unknown) => unknown, checksOutput = false) {
  const calls: { route: string; input: unknown }[] = []
  const lines: { level: string; message: string; details?: unknown }[] = []
  const handlers = Object.fromEntries(
    names.map((route) => [
      route,
      (input: unknown, given: unknown) => {
        calls.push({ route, input })
        return act(input, given)
      },
    ]),
  ) as unknown as HandlerTable
  const dispatch = createDispatch({ handlers, log: createLog((line) => void lines.push(line)), newErrorId: () => 'error-1', checksOutput })
  return { dispatch, calls, lines }
}

function codeOf(answer: IpcAnswer): string | null {
  return answer.ok ? null : answer.error.code
}

const garbage: readonly unknown[] = [
  0,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n,
  true,
  '',
  'x'.repeat(100_000),
  [],
  [{}],
  { id: '' },
  { id: '../../etc/passwd' },
  { id: null },
  { id: { toString: () => 'x' } },
  { id: '00000000-0000-7000-8000-000000000000', extra: 1 },
  { unknownField: 1 },
  { constructor: 1 },
  new Date(0),
  new Map(),
  () => undefined,
  Symbol('x'),
  JSON.parse('{"__proto__": {"isAdmin": true}}'),
]

describe('router', () => {
  it.each(names)('%s: garbage never reaches its handler and is never an internal error', async (route) => {
    const { dispatch, calls, lines } = createRouter(() => ({ done: true }))
    for (const value of garbage) {
      const isAccepted = routes[route].input.safeParse(value).success
      const answer = await dispatch(route, value, context)
      expect(isAccepted ? null : 'INVALID_INPUT').toBe(codeOf(answer))
    }
    expect(calls.every((call) => routes[route].input.safeParse(call.input).success)).toBe(true)
    expect(lines.filter((line) => line.level === 'error')).toEqual([])
  })

  it.each(names)('%s: nothing but plain fields of its own schema gets in', async (route) => {
    const { dispatch, calls } = createRouter(() => ({ done: true }))
    await fc.assert(
      fc.asyncProperty(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }), async (value) => {
        const answer = await dispatch(route, value, context)
        expect([null, 'INVALID_INPUT']).toContain(codeOf(answer))
      }),
      { numRuns: 60 },
    )
    expect(calls.every((call) => routes[route].input.safeParse(call.input).success)).toBe(true)
  })

  it.each([
    undefined,
    null,
    5,
    '',
    'toString',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'datasets',
    'datasets.list ',
    'fs.readFile',
    ['datasets.list'],
    { route: 'x' },
  ])('the route %j is unknown, not an internal error', async (route) => {
    const { dispatch, calls } = createRouter(() => ({ done: true }))
    expect(codeOf(await dispatch(route, {}, context))).toBe('UNKNOWN_ROUTE')
    expect(calls).toEqual([])
  })

  it('every route refuses fields it does not know', () => {
    const refusesMore = names.filter((route) => z.toJSONSchema(routes[route].input, { io: 'input' }).additionalProperties === false)
    expect(refusesMore).toEqual(names)
  })

  it('a missing input is the empty one, so defaults are filled in before the handler', async () => {
    const { dispatch, calls } = createRouter(() => [])
    expect(await dispatch('adapters.list', undefined, context)).toEqual({ ok: true, data: [] })
    expect(calls[0]?.input).toEqual({ search: '', sort: 'newest' })
  })

  it('the handler gets the context of main, which the page cannot set', async () => {
    let seen: unknown
    const { dispatch } = createRouter((_input, given) => void (seen = given))
    await dispatch('settings.get', {}, context)
    expect(seen).toBe(context)
  })

  it('an expected failure keeps its code, sentence, details and whether a retry helps', async () => {
    const { dispatch, lines } = createRouter(() => {
      throw new AppError('VOLUME_UNREADABLE', 'The volume is away.', { details: { key: 'a' }, retryable: true })
    })
    expect(await dispatch('settings.get', {}, context)).toEqual({
      ok: false,
      error: { code: 'VOLUME_UNREADABLE', message: 'The volume is away.', details: { key: 'a' }, retryable: true },
    })
    expect(lines.map((line) => line.level)).toEqual(['info'])
  })

  it.each([new Error('SELECT secret FROM /home/me'), 'a string', null, { code: 'INVALID_INPUT' }])(
    'a bug (%j) shows only its number, and the log has the rest',
    async (thrown) => {
      const { dispatch, lines } = createRouter(() => {
        throw thrown
      })
      const answer = await dispatch('settings.get', {}, context)
      expect(codeOf(answer)).toBe('INTERNAL')
      expect(JSON.stringify(answer)).toContain('error-1')
      expect(JSON.stringify(answer)).not.toContain('secret')
      expect(lines[0]).toMatchObject({ level: 'error', message: expect.stringContaining('error-1') })
    },
  )

  it('a rejected promise is answered like a thrown error', async () => {
    const { dispatch } = createRouter(() => Promise.reject(new AppError('RUN_NOT_FOUND', 'Gone.')))
    expect(codeOf(await dispatch('settings.get', {}, context))).toBe('RUN_NOT_FOUND')
  })

  it('an answer that breaks the contract is a bug when answers are checked', async () => {
    const broken = createRouter(() => ({ theme: 'purple' }), true)
    expect(codeOf(await broken.dispatch('settings.get', {}, context))).toBe('INTERNAL')
    const unchecked = createRouter(() => ({ theme: 'purple' }))
    expect(codeOf(await unchecked.dispatch('settings.get', {}, context))).toBe(null)
  })
})

describe('failure envelopes', () => {
  it('an input error names the field', () => {
    const parsed = z.strictObject({ config: z.strictObject({ epochs: z.int().max(20) }) }).safeParse({ config: { epochs: 21 } })
    if (parsed.success) throw new Error('The input should have been refused')
    const error = invalidInput(parsed.error)
    expect(error).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^config\.epochs: /),
      details: { issues: [{ path: 'config.epochs' }] },
    })
  })

  it('carries no stack and no cause to the page', () => {
    const answer = failure(new AppError('INTERNAL', 'Sorry.', { cause: new Error('inside') }))
    expect(JSON.stringify(answer)).toBe('{"ok":false,"error":{"code":"INTERNAL","message":"Sorry.","retryable":false}}')
  })
})
