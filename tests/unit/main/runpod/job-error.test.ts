import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJobError } from '../../../../main/integrations/runpod/job-error.ts'
import { statusReplySchema } from '../../../../main/integrations/runpod/replies.ts'

const traceback = 'Traceback (most recent call last):\n  File "/app/handler.py", line 3\n    raise\nValueError: no model\n'
/** What the SDK posts for an exception. */
const raised = (type: string, message: unknown) =>
  JSON.stringify({ error_type: `<class '${type}'>`, error_message: message, error_traceback: traceback, worker_id: 'w1' })

describe('the error of a job', () => {
  it.each<[string, unknown, { message: string; type?: string }]>([
    ['plain words', ' it broke ', { message: 'it broke' }],
    ['an exception', raised('ValueError', 'no model'), { message: 'no model', type: 'ValueError' }],
    ['an exception as an object', JSON.parse(raised('torch.OutOfMemoryError', 'CUDA')), { message: 'CUDA', type: 'OutOfMemoryError' }],
    ['an exception packed twice', JSON.stringify(raised('KeyError', 'x')), { message: 'x', type: 'KeyError' }],
    ['an exception within a message', raised('RuntimeError', raised('KeyError', 'x')), { message: 'x', type: 'KeyError' }],
    ['an exception without words', raised('KeyError', ''), { message: 'ValueError: no model', type: 'KeyError' }],
    ['an exception cut short', raised('ValueError', 'no "model"').slice(0, 75), { message: 'no "model"', type: 'ValueError' }],
    ['a bare traceback', traceback, { message: 'ValueError: no model', type: 'ValueError' }],
    ['an object with words', { error: 'bad row', code: 5 }, { message: 'bad row' }],
    ['an object without words', { code: 5 }, { message: '{"code":5}' }],
    ['our worker’s refusal', 'NOT_FOUND: There is no such file. Send it.', { message: 'NOT_FOUND: There is no such file. Send it.' }],
  ])('reads %s and never shows a traceback', (_name, error, expected) => {
    expect(readJobError(error)).toMatchObject(expected)
  })

  it.each([undefined, null, ''])('%j is no error', (error) => {
    expect(readJobError(error)).toBeUndefined()
  })

  it('an error nested a hundred thousand deep is told of, not died of', () => {
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
    expect(readJobError(deep)?.message.length).toBeGreaterThan(0)
  })

  it('no status body crashes it or brings a traceback to light', () => {
    const errors = fc.oneof(
      fc.jsonValue(),
      fc.string(),
      fc.json().map((text) => raised('E', text)),
      fc.nat(12).map((times) => Array.from({ length: times }).reduce<string>((text) => raised('E', text), raised('E', 'x'))),
      fc.nat(5).map((times) => Array.from({ length: times }).reduce<string>((text) => JSON.stringify(text), raised('E', 'x'))),
    )
    const statuses = fc.constantFrom('COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT', 'IN_QUEUE', 'running')
    fc.assert(
      fc.property(statuses, errors, fc.jsonValue(), fc.nat(200), (status, error, odd, cut) => {
        const shorter = typeof error === 'string' ? error.slice(0, cut) : error
        for (const some of [error, shorter, `${JSON.stringify(error)}${traceback}`]) {
          const job = statusReplySchema.parse({ status, error: some, output: odd, retries: odd, delayTime: odd, workerId: odd })
          expect(job.error ?? '').not.toMatch(/Traceback \(most|error_traceback/)
        }
      }),
      { seed: 51, numRuns: 300 },
    )
  })

  it.each([
    ['plain words', 'no access for hf_PLANTEDPLANTEDPLANTED'],
    ['a raised exception', JSON.stringify({ error_type: "<class 'OSError'>", error_message: 'no access for hf_PLANTEDPLANTEDPLANTED' })],
    ['a traceback', 'Traceback (most recent call last):\nOSError: no access for hf_PLANTEDPLANTEDPLANTED'],
    ['an object', { hint: 'no access for hf_PLANTEDPLANTEDPLANTED' }],
  ])('would show and store the token in the words of a worker: %s', (_, error) => {
    expect(readJobError(error)?.message).toContain('no access for [redacted]')
  })
})
