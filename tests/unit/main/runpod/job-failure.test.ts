import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { explainFailure } from '../../../../main/integrations/runpod/job-failure.ts'

const raised = (type: string, message: unknown) =>
  JSON.stringify({
    error_type: type,
    error_message: message,
    error_traceback: 'Traceback (most recent call last):\n  File "handler.py"',
    hostname: 'w-1',
    worker_id: 'w',
    runpod_version: '1.12.0',
  })

describe('why a job failed', () => {
  it.each<[string, string | null, string, boolean]>([
    ['the platform gave up a worker that never reported', 'job timed out after 1 retries', 'worker_lost', true],
    ['the platform stopped it at its time limit', 'executionTimeout exceeded', 'time_limit', false],
    ['the input was empty', 'Job has missing field(s): id or input.', 'input_refused', false],
    [
      'the GPU was full, as an exception',
      raised("<class 'torch.cuda.OutOfMemoryError'>", 'CUDA out of memory. Tried to allocate 2 GiB'),
      'out_of_memory',
      false,
    ],
    ['the GPU was full, known by the class only', raised("<class 'torch.OutOfMemoryError'>", ''), 'out_of_memory', false],
    ['a disk was full', raised("<class 'OSError'>", '[Errno 28] No space left on device'), 'disk_full', false],
    [
      'our worker refused it in its own words',
      'MODEL_GATED: The model needs a licence that this token has not accepted',
      'worker_refused',
      false,
    ],
    ['our worker had a fault of its own', 'INTERNAL: the worker gave up.', 'worker_refused', true],
    ['something was raised', raised("<class 'ValueError'>", 'no model'), 'raised', false],
    ['a foreign handler gave plain words', 'could not do it', 'other', false],
    ['nothing was said', null, 'no_reason', true],
    ['nothing was said, in an empty text', '', 'no_reason', true],
  ])('%s', (_name, error, cause, isTransient) => {
    expect(explainFailure(error)).toMatchObject({ cause, isTransient })
  })

  it('shows the message without its traceback, and an exception with its class', () => {
    expect(explainFailure(raised("<class 'ValueError'>", 'no model')).sentence).toBe('The worker stopped with ValueError: no model.')
    expect(explainFailure('Traceback (most recent call last):\n  File "x.py", line 3\nKeyError: \'text\'').sentence).not.toContain('File')
  })

  it('says how often a lost worker was tried', () => {
    expect(explainFailure('job timed out after 1 retries').sentence).toContain('2 tries')
  })

  it('a word in capitals with a colon is not taken for a refusal of our worker', () => {
    expect(explainFailure('ERROR: it broke').cause).toBe('other')
  })

  it('never shows a secret, and stays one short line', () => {
    const { sentence } = explainFailure(raised("<class 'RuntimeError'>", `hf_PLANTEDPLANTED refused\n${'x'.repeat(10_000)}`))
    expect(sentence).not.toContain('PLANTED')
    expect(sentence).not.toContain('\n')
    expect(sentence.length).toBeLessThan(500)
  })

  it('any text at all becomes a sentence with an advice', () => {
    const nested = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((text) => raised('X', text)),
    )
    fc.assert(
      fc.property(nested, (error) => {
        const { sentence, advice } = explainFailure(error)
        expect(sentence).toMatch(/[.!?]$/)
        expect(advice).toMatch(/\.$/)
      }),
      { seed: 5, numRuns: 500 },
    )
  })
})
