import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRunEngine } from '../../../main/features/runs/engine.ts'
import { createIngest } from '../../../main/features/runs/ingest.ts'
import { createVirtualClock } from '../../support/runs/virtual-clock.ts'
import { evalBody, planBody, stepBody } from '../../support/runs/fake-worker.ts'
import { runFacts } from '../../support/runs/run-facts.ts'
import { createRunWorld, runConfig, type RunWorld } from '../../support/runs/run-world.ts'
import type { EventBody } from '../../support/runs/fake-endpoint.ts'

const runId = '01890a5d-ac96-774b-bcce-b302099a8059'

function createBench(world: RunWorld = createRunWorld()) {
  const published: { event: string; payload: unknown }[] = []
  const dependencies = {
    repository: world.repository,
    progress: world.progress,
    events: { publish: (event: string, payload: unknown) => void published.push({ event, payload }) },
    clock: createVirtualClock(),
  }
  const engine = createRunEngine(dependencies)
  engine.create({ id: runId, name: 'r', config: runConfig() }, { type: 'created', facts: runFacts })
  engine.dispatch(runId, [
    { type: 'dataset_frozen', dataset: { sha256: 'a'.repeat(64), bytes: 1, rows: 3 } },
    { type: 'dataset_uploaded' },
    { type: 'submit_started' },
    { type: 'submit_accepted', jobId: 'job-1' },
  ])
  const ingest = createIngest({ ...dependencies, engine })
  return { world, ingest, published, newIngest: () => createIngest({ ...dependencies, engine }) }
}

const memoryBody: EventBody = {
  kind: 'memory_plan',
  weights_bytes: 1_500_000,
  adapter_bytes: 100_000,
  optimizer_bytes: 200_000,
  activations_bytes: 200_000,
  total_bytes: 2_000_000,
  available_bytes: 1_000_000,
  quantization: 'nf4',
}

function numbered(bodies: readonly (EventBody & { attempt?: number })[]): string[] {
  return bodies.map((body, index) => JSON.stringify({ seq: index + 1, attempt: 1, t: 1_800_000_000_000 + index * 1000, ...body }))
}
function log(steps: number): string[] {
  const resumed = { kind: 'resumed', step: 5, attempt: 2 }
  const bodies: (EventBody & { attempt?: number })[] = [{ kind: 'stage', stage: 'preparing' }, planBody(steps), evalBody(0)]
  for (let step = 1; step <= 8; step += 1) bodies.push(stepBody(step), { kind: 'log', level: 'info', message: `step ${step}` })
  bodies.push({ kind: 'checkpoint', step: 8, bytes: 10, best: true }, { kind: 'sample', step: 8, prompt: 'p', text: 'void' }, resumed)
  for (let step = 6; step <= steps; step += 1) bodies.push({ ...stepBody(step, 1), attempt: 2 })
  bodies.push({ ...evalBody(steps, 1.5), attempt: 2 }, { kind: 'finished', status: 'completed', attempt: 2 })
  return numbered(bodies)
}

/** Everything the ingest has stored. */
function stored({ world }: { world: RunWorld }) {
  const run = world.repository.find(runId)
  const state = run?.state
  return {
    metrics: world.progress.listMetrics(runId),
    checkpoints: world.progress.listCheckpoints(runId, -1),
    samples: world.progress.listSamples(runId),
    log: world
      .logLines(runId)
      .map(({ message }) => message)
      .filter((message) => message.startsWith('step')),
    live: run?.live,
    plan: run?.plan,
    cursor: run?.cursor,
    stage: state?.stage,
    attempt: state?.attempt,
  }
}

describe('ingest', () => {
  it('of snapshots that repeat, go back and leave gaps, with fills from the volume, equals reading the whole log once', () => {
    const lines = log(30)
    const whole = createBench()
    whole.ingest.takeLines(runId, lines)
    const expected = stored(whole)
    const anySnapshots = fc.array(fc.tuple(fc.nat(lines.length - 1), fc.integer({ min: 1, max: 64 }), fc.boolean()), { maxLength: 12 })
    fc.assert(
      fc.property(anySnapshots, (snapshots) => {
        const bench = createBench()
        for (const [start, length, isRestart] of snapshots) {
          const ingest = isRestart ? bench.newIngest() : bench.ingest
          const events = lines.slice(start, start + length).map((line): unknown => JSON.parse(line))
          const isTaken = ingest.takeSnapshot(runId, events)
          const cursor = bench.world.repository.find(runId)?.cursor ?? 0
          if (!isTaken) ingest.takeLines(runId, lines.slice(cursor, start + length))
        }
        const cursor = bench.world.repository.find(runId)?.cursor ?? 0
        bench.ingest.takeLines(runId, lines.slice(cursor))
        expect(stored(bench)).toEqual(expected)
        bench.world.db.close()
      }),
      { numRuns: 60 },
    )
  })

  it('takes nothing from a snapshot that starts after a gap, so that no hole is left behind the cursor', () => {
    const bench = createBench()
    const lines = log(10)
    bench.ingest.takeLines(runId, lines.slice(0, 3))
    expect(
      bench.ingest.takeSnapshot(
        runId,
        lines.slice(5, 9).map((line): unknown => JSON.parse(line)),
      ),
    ).toBe(false)
    expect(stored(bench).cursor).toBe(3)
  })

  it('forgets points, checkpoints and samples after a resumed step and tells the chart to', () => {
    const bench = createBench()
    bench.ingest.takeLines(runId, log(7).slice(0, 21))
    expect(stored(bench).metrics.filter(({ kind }) => kind === 'train')).toHaveLength(8)
    bench.ingest.takeLines(runId, log(7).slice(21))
    const { metrics, checkpoints, samples, live, attempt } = stored(bench)
    expect(metrics.filter(({ kind }) => kind === 'train').map(({ step, loss }) => [step, loss > 1])).toEqual([
      [1, true],
      [2, true],
      [3, true],
      [4, true],
      [5, true],
      [6, false],
      [7, false],
    ])
    expect([checkpoints, samples, attempt]).toEqual([[], [], 2])
    expect(live?.head).toMatchObject({ step: 7, loss: 1, lossFirst: 2.9, evalLossBase: 3, evalLoss: 1.5, evalLossBest: 1.5 })
    expect(bench.published).toContainEqual(expect.objectContaining({ payload: expect.objectContaining({ voidAfterStep: 5 }) }))
  })

  it('forgets what came after the step that a diverging training was rolled back to, and says so', () => {
    const bench = createBench()
    const events = [stepBody(1), stepBody(2), stepBody(3), evalBody(3), { kind: 'sample', step: 3, prompt: 'p', text: 'void' }]
    bench.ingest.takeLines(runId, numbered([...events, { kind: 'rolled_back', step: 2, learning_rate_factor: 0.5 }, stepBody(3, 1)]))
    const { metrics, samples, attempt } = stored(bench)
    expect(metrics.map(({ kind, step, loss }) => [kind, step, loss])).toEqual([
      ['train', 1, 2.9],
      ['train', 2, 2.8],
      ['train', 3, 1],
    ])
    expect([samples, attempt]).toEqual([[], 0])
    const warnings = bench.world.logLines(runId).filter(({ level }) => level === 'warning')
    expect(warnings.map(({ message }) => message).join()).toContain(
      'back to its checkpoint at step 2 and goes on with half the learning rate',
    )
  })

  it('keeps what a trainer reports besides losses: memory planned and used, accuracy, layers, and what is learned of a row', () => {
    const bench = createBench()
    const segments = [
      { text: 'user: hello', is_trained: false },
      { text: 'Good day.', is_trained: true },
    ]
    const maskSample = { kind: 'mask_sample', row: 7, tokens: 9, tokens_trained: 4, segments, is_cut: true }
    const plan = { ...planBody(4), processes: 2, packing: false, targets: ['q_proj'] }
    const stepOf = (step: number, bytes: number) => ({ ...stepBody(step), memory_bytes: bytes })
    bench.ingest.takeLines(runId, numbered([memoryBody, maskSample, plan, evalBody(0), stepOf(1, 5000), stepOf(2, 4000), maskSample]))
    const run = bench.world.repository.find(runId)
    expect(run?.memoryPlan).toMatchObject({ totalBytes: 2_000_000, availableBytes: 1_000_000, quantization: 'nf4' })
    expect(run?.plan).toMatchObject({ processes: 2, packing: false, targets: ['q_proj'] })
    expect(run?.live.head).toMatchObject({ memoryBytes: 4000, memoryPeakBytes: 5000 })
    expect(bench.world.progress.listPoints(runId, -1)[0]).toMatchObject({ kind: 'eval', accuracy: 0.5 })
    expect(bench.world.progress.listMaskSamples(runId)).toEqual([
      {
        row: 7,
        tokens: 9,
        tokensTrained: 4,
        segments: [
          { text: 'user: hello', isTrained: false },
          { text: 'Good day.', isTrained: true },
        ],
        isCut: true,
      },
    ])
    const warnings = bench.world.logLines(runId).filter(({ level }) => level === 'warning')
    expect(warnings.map(({ message }) => message)).toEqual(['Memory: about 2.00 MB needed, 1.00 MB available'])
  })

  it('reads the events of an older trainer, which has no plan of memory, no packing and no accuracy', () => {
    const bench = createBench()
    const { accuracy: _left, ...evaluation } = evalBody(0)
    bench.ingest.takeLines(runId, numbered([planBody(4), evaluation]))
    const run = bench.world.repository.find(runId)
    expect([run?.memoryPlan, run?.plan?.processes, run?.plan?.packing, run?.plan?.targets]).toEqual([null, null, null, []])
    expect(bench.world.progress.listPoints(runId, -1)[0]?.accuracy).toBeNull()
  })

  it('leaves out lines that are no events with one warning each, and goes on behind them', () => {
    const bench = createBench()
    const lines = [
      JSON.stringify({ seq: 1, attempt: 1, t: 1, ...stepBody(1) }),
      '{"seq":2,"attempt":1,"t":1,"kind":"step","step":2,"loss":NaN}',
      JSON.stringify({ seq: 3, attempt: 1, t: 1, kind: 'weather', sky: 'blue' }),
      JSON.stringify({ seq: 4, attempt: 1, t: 1, kind: 'step', step: 'four' }),
      JSON.stringify({ seq: 5, attempt: 1, t: 1, ...stepBody(5) }),
      'not json at the end',
    ]
    bench.ingest.takeLines(runId, lines)
    bench.ingest.takeLines(runId, lines)
    expect(stored(bench)).toMatchObject({ cursor: 5 })
    expect(stored(bench).metrics.map(({ step }) => step)).toEqual([1, 5])
    const warnings = bench.world.logLines(runId).filter(({ level }) => level === 'warning')
    expect(warnings).toHaveLength(3)
    expect(warnings.map(({ message }) => message).join('\n')).toContain('Worker event 4 (step)')
  })

  it('would keep the token that a worker printed into its log', () => {
    const bench = createBench()
    bench.ingest.takeLines(runId, numbered([{ kind: 'log', level: 'error', message: 'refused: hf_PLANTEDPLANTEDPLANTED of you' }]))
    const messages = bench.world.logLines(runId).map(({ message }) => message)
    expect(messages).toContain('refused: [redacted] of you')
  })

  it('is not confused by an event that repeats a step without saying that it resumed', () => {
    const bench = createBench()
    bench.ingest.takeLines(runId, numbered([stepBody(1), stepBody(2), stepBody(2, 9), evalBody(2)]))
    expect(stored(bench).metrics.map(({ kind, step, loss }) => [kind, step, loss])).toEqual([
      ['train', 1, 2.9],
      ['train', 2, 9],
      ['eval', 2, 2.8],
    ])
  })

  it('rolls everything back when a batch cannot be stored as a whole', () => {
    const bench = createBench()
    bench.ingest.takeLines(runId, numbered([stepBody(1)]))
    bench.world.db.exec("CREATE TRIGGER deny BEFORE INSERT ON run_sample BEGIN SELECT RAISE(ABORT, 'full'); END")
    const more = numbered([
      stepBody(1),
      { kind: 'stage', stage: 'training' },
      stepBody(2),
      { kind: 'sample', step: 2, prompt: 'p', text: 't' },
    ])
    expect(() => bench.ingest.takeLines(runId, more)).toThrow('full')
    expect(stored(bench)).toMatchObject({ cursor: 1, stage: 'queued_on_endpoint' })
    expect(stored(bench).metrics).toHaveLength(1)
    bench.world.db.exec('DROP TRIGGER deny')
    bench.ingest.takeLines(runId, more)
    expect(stored(bench)).toMatchObject({ cursor: 4, stage: 'training' })
  })
})
