import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EndpointHealth } from '../../../../main/integrations/runpod/job-client.ts'
import { diagnoseQueue, type QueueFacts } from '../../../../main/integrations/runpod/queue-diagnosis.ts'
import type { WorkerLogLine } from '../../../../main/integrations/runpod/worker-logs.ts'

const noWorkers = { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 0, unhealthy: 0 }
const health = (workers: Partial<EndpointHealth['workers']> = {}): EndpointHealth => ({
  jobs: { completed: 0, failed: 0, inProgress: 0, inQueue: 1, retried: 0 },
  workers: { ...noWorkers, ...workers },
})
type Status = NonNullable<QueueFacts['workers']>[number]['status']
const workers = (...statuses: Status[]) => statuses.map((status) => ({ status }))
const facts = (changes: Partial<QueueFacts> = {}): QueueFacts => ({
  queuedMs: 300_000,
  health: health(),
  workers: [],
  workersMax: 1,
  ...changes,
})
const said = (source: WorkerLogLine['source'], ...texts: string[]): WorkerLogLine[] => texts.map((text) => ({ source, atMs: null, text }))

describe('why a job waits', () => {
  it.each<[string, Partial<QueueFacts>, string]>([
    ['RunPod set max workers to 0, which looks like a lack of GPUs', { workersMax: 0 }, 'max_zero'],
    ['max is 0 while a last worker is throttled', { workersMax: 0, workers: workers('throttled') }, 'max_zero'],
    ['a container crashes, which RunPod shows as a worker that is not well', { workers: workers('unhealthy') }, 'crash_loop'],
    ['one crashes and another waits for a GPU', { workers: workers('throttled', 'unhealthy') }, 'crash_loop'],
    [
      'a container starts again and again while it is called initializing',
      {
        workers: workers('initializing'),
        logTail: said('system', 'start container', 'start container', 'start container'),
      },
      'crash_loop',
    ],
    [
      'a program ends with a traceback while its worker is called initializing',
      {
        workers: workers('initializing'),
        logTail: said('container', 'Traceback (most recent call last):', 'ImportError: no module named torch'),
      },
      'crash_loop',
    ],
    [
      'the image does not exist',
      {
        workers: workers('initializing'),
        logTail: said('system', 'error pulling image: manifest for acme/trainer:9 not found'),
      },
      'crash_loop',
    ],
    ['all GPUs of the place are taken', { workers: workers('throttled', 'throttled') }, 'throttled'],
    ['the image is fetched', { workers: workers('initializing'), logTail: said('system', 'pulling image') }, 'pulling_image'],
    ['the program starts', { workers: workers('initializing'), logTail: said('container', 'loading torch') }, 'starting'],
    ['a worker is ready and about to take it', { queuedMs: 61_000, workers: workers('idle') }, 'starting'],
    ['the only worker trains something else, and one more waits for a GPU', { workers: workers('running', 'throttled') }, 'busy'],
    ['one trains and another is broken', { workers: workers('running', 'unhealthy') }, 'busy'],
    ['no worker is there at all', {}, 'no_capacity'],
    [
      'the key may not list workers, but the job API counts a broken one',
      { workers: null, health: health({ unhealthy: 1 }) },
      'crash_loop',
    ],
    [
      'the key may not list workers, but the job API counts a throttled one',
      { workers: null, health: health({ throttled: 2 }) },
      'throttled',
    ],
    ['neither list nor counts could be read', { workers: null, health: null }, 'unknown'],
    ['a worker is in a state of a later version', { workers: workers('unknown') }, 'unknown'],
    ['a worker is ready but takes nothing for long', { queuedMs: 600_000, workers: workers('idle') }, 'unknown'],
  ])('%s', (_name, changes, cause) => {
    expect(diagnoseQueue(facts(changes))).toMatchObject({ cause })
  })

  it('says that max workers is not known when it is not, instead of ruling it out', () => {
    expect(diagnoseQueue(facts({ workersMax: null })).advice).toContain('max workers')
    expect(diagnoseQueue(facts({ workersMax: 1 })).advice).not.toContain('max workers')
  })

  it('a worker that is prepared for over half an hour is called stuck, with a way out', () => {
    const pulling = { workers: workers('initializing'), logTail: said('system', 'pulling image') }
    expect(diagnoseQueue(facts(pulling)).advice).toContain('Nothing is to be done')
    expect(diagnoseQueue(facts({ ...pulling, queuedMs: 2 * 3_600_000 })).advice).toContain('Cancel the job')
  })

  it('shows the lines around the crash, not the noise after it, without secrets and control characters', () => {
    const lines = said(
      'container',
      ...Array.from({ length: 30 }, (_, index) => `start ${index}`),
      '\u001B[31mModuleNotFoundError: hf_PLANTEDPLANTED\u001B[0m\u0007',
      ...Array.from({ length: 30 }, (_, index) => `later ${index}`),
    )
    const { lines: shown } = diagnoseQueue(facts({ workers: workers('unhealthy'), logTail: lines }))
    expect(shown).toContain('container: ModuleNotFoundError: [redacted]')
    expect(shown.length).toBeLessThanOrEqual(8)
  })

  it('whatever the facts are, there is a whole sentence and an advice', () => {
    const count = fc.nat({ max: 3 })
    const counts = fc.record({ idle: count, initializing: count, ready: count, running: count, throttled: count, unhealthy: count })
    const status = fc.constantFrom<Status>('running', 'idle', 'initializing', 'throttled', 'unhealthy', 'unknown')
    const any = fc.record({
      queuedMs: fc.nat({ max: 1e9 }),
      health: fc.option(counts.map((some) => health(some))),
      workers: fc.option(fc.array(status, { maxLength: 4 }).map((some) => workers(...some))),
      workersMax: fc.option(count),
      logTail: fc.array(fc.record({ source: fc.constantFrom('system', 'container'), atMs: fc.constant(null), text: fc.string() })),
    })
    fc.assert(
      fc.property(any, (some) => {
        const { cause, sentence, advice } = diagnoseQueue(some)
        expect(sentence).toMatch(/^[A-Z].*\.$/)
        expect(advice).toMatch(/^[A-Z].*\.$/)
        if (some.workersMax === 0) expect(cause).toBe('max_zero')
        else expect(cause).not.toBe('max_zero')
      }),
      { seed: 5, numRuns: 500 },
    )
  })
})
