import { isEnded } from '../support/runs/run-world.ts'
import type { FaultRule } from '../support/runpod-cloud/faults.ts'
import type { Scenario, Stage } from './scenario.ts'

type Effect = FaultRule['effect']

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const good = ['completed'] as const

/** Every way in which an answer can go wrong. */
const replies: Readonly<Record<string, Effect>> = {
  '429 with Retry-After': { kind: 'rate_limited', retryAfterSeconds: 3 },
  'HTTP 500': { kind: 'server_error' },
  'HTTP 500, but it was done': { kind: 'server_error', acted: true },
  'a web page': { kind: 'html' },
  'an empty answer': { kind: 'empty' },
  'half an answer': { kind: 'cut_short' },
  'broken off before': { kind: 'reset_before' },
  'broken off after': { kind: 'reset_after' },
}

/** The calls of each phase of a run with an API key only: the first post carries the dataset, the second the training. */
const phases: Readonly<Record<string, Pick<FaultRule, 'operation' | 'nth' | 'count'>>> = {
  upload: { operation: 'run', nth: 1 },
  submit: { operation: 'run', nth: 2 },
  queue: { operation: 'status', nth: 3, count: 3 },
  train: { operation: 'status', nth: 5, count: 4 },
  collect: { operation: 'run', nth: 4, count: 3 },
}

const repliesByPhase: readonly Scenario[] = Object.entries(phases).flatMap(([phase, where]) =>
  Object.entries(replies).map(([what, effect]) => ({
    name: `${phase}: ${what}`,
    injections: `${where.operation} from call ${where.nth ?? 1}, ${where.count ?? 1} times`,
    faults: [{ ...where, effect }],
    rightStates: good,
  })),
)

const s3Replies: Readonly<Record<string, Effect>> = {
  'HTTP 500': { kind: 'server_error' },
  '524 of a proxy': { kind: 'status', status: 524 },
  'a web page': { kind: 'html' },
  'broken off before': { kind: 'reset_before' },
}
/** The same where files go through S3: the dataset up, the result and the adapter down. */
const s3ByPhase: readonly Scenario[] = Object.entries({
  'S3 upload': { operation: 's3.PUT', nth: 1, count: 2 },
  'S3 look': { operation: 's3.HEAD', nth: 1, count: 2 },
  'S3 collect': { operation: 's3.GET', nth: 4, count: 3 },
}).flatMap(([phase, where]) =>
  Object.entries(s3Replies).map(([what, effect]): Scenario => ({
    name: `${phase}: ${what}`,
    injections: `${where.operation} from call ${where.nth}, ${where.count} times`,
    hasS3: true,
    faults: [{ ...where, effect }],
    rightStates: good,
  })),
)

const train = (effect: Effect): readonly FaultRule[] => [{ operation: 'job.train', effect }]

/** What happens to jobs and workers. */
const jobs: readonly Scenario[] = [
  { name: 'worker dies before step 3', injections: 'kill at step 3', faults: train({ kind: 'kill', at: 3 }), rightStates: good },
  { name: 'worker dies at its start', injections: 'kill at start', faults: train({ kind: 'kill', at: 'start' }), rightStates: good },
  { name: 'worker dies while saving', injections: 'kill while saving', faults: train({ kind: 'kill', at: 'saving' }), rightStates: good },
  {
    name: 'worker dies while packaging',
    injections: 'kill before the adapter',
    faults: train({ kind: 'kill', at: 'adapter' }),
    rightStates: good,
  },
  {
    name: 'worker dies before its result',
    injections: 'kill before the result',
    faults: train({ kind: 'kill', at: 'result' }),
    rightStates: good,
  },
  { name: 'late progress hides the result', injections: 'progress race', faults: train({ kind: 'progress_race' }), rightStates: good },
  { name: 'COMPLETED without an output', injections: 'no output', faults: train({ kind: 'no_output' }), rightStates: good },
  {
    name: 'the job runs twice at once',
    injections: 'a second worker gets the job',
    faults: train({ kind: 'twice' }),
    rightStates: good,
  },
  {
    name: 'the handler raises',
    injections: 'FAILED with a JSON string',
    faults: train({ kind: 'raise' }),
    rightStates: ['failed'],
    endsWithoutAdapter: true,
  },
  {
    name: 'the handler returns an error',
    injections: 'FAILED with a text',
    faults: train({ kind: 'error_dict' }),
    rightStates: ['failed'],
    endsWithoutAdapter: true,
  },
  {
    name: 'the training fails inside COMPLETED',
    injections: 'inner failure',
    faults: train({ kind: 'inner_failure' }),
    rightStates: ['failed'],
    endsWithoutAdapter: true,
  },
]

/** Waits until a worker stands at a step of the run, does something, and lets it go on. */
const whileHeld = (act: (stage: Stage) => Promise<void>) => async (stage: Stage) => {
  await stage.control.whenHeld({ runId: stage.runId })
  // The app has seen the run going before anything happens to it.
  await stage.app().until(() => stage.app().eventTypes(stage.runId).includes('job_started'))
  await act(stage)
  await stage.control.release({ runId: '*' })
}
const held = (step: number): readonly FaultRule[] => [{ operation: 'job.train', effect: { kind: 'hold', at: step } }]

/** The user asks for the checkpoint of a run that was given up, and waits for it. */
export async function fetchWhatWasSaved({ app, runId }: Stage): Promise<void> {
  await app().until(() => app().runs.get(runId).rescue !== null)
  app().runs.rescue(runId)
  await app().until(() => app().runs.get(runId).rescue?.state !== 'working')
}

/** What the world, the user and the app itself do meanwhile. */
const worlds: readonly Scenario[] = [
  {
    name: 'six hours without a network in mid-run',
    injections: 'outage of 6 h, the clock moved',
    faults: held(3),
    during: whileHeld(async ({ control }) => {
      await control.startOutage({ scope: 'client', forMs: 6 * hourMs })
      await control.release({ runId: '*' })
      await control.advance({ ms: 6 * hourMs })
    }),
    rightStates: good,
  },
  {
    name: 'the result has expired when the app comes back',
    injections: 'app closed, run ends, 31 min pass',
    faults: held(3),
    during: whileHeld(async (stage) => {
      await stage.app().quit()
      await stage.control.release({ runId: '*' })
      await stage.control.quiet({})
      await stage.control.advance({ ms: 31 * minuteMs })
      await stage.restart()
    }),
    rightStates: good,
  },
  {
    name: 'the app is restarted in mid-run',
    injections: 'quit and start',
    faults: held(3),
    during: whileHeld(async (stage) => {
      await stage.app().quit()
      await stage.restart()
    }),
    rightStates: good,
  },
  {
    name: 'the platform forgets the job while it runs',
    injections: '404 in mid-run',
    faults: held(3),
    during: whileHeld(async ({ control, app, runId }) => {
      await control.forgetJob({ jobId: app().runs.get(runId).jobId ?? '' })
    }),
    rightStates: ['completed', 'cancelled', 'failed'],
  },
  {
    name: 'the worker is replaced in mid-run',
    injections: 'all workers killed at step 3',
    faults: held(3),
    during: whileHeld(async ({ control, remoteId }) => {
      await control.killWorkers({ endpointId: remoteId })
    }),
    rightStates: good,
  },
  {
    name: 'stop and keep',
    injections: 'stopped at step 3',
    faults: held(3),
    during: whileHeld(async ({ app, runId }) => void app().runs.stop(runId, 'keep')),
    rightStates: ['cancelled'],
  },
  {
    name: 'stop and discard',
    injections: 'stopped at step 3',
    faults: held(3),
    during: whileHeld(async ({ app, runId }) => void app().runs.stop(runId, 'discard')),
    rightStates: ['cancelled'],
    endsWithoutAdapter: true,
  },
  {
    name: 'stop and keep, then quit at once',
    injections: 'stopped, app closed and started',
    faults: held(3),
    during: whileHeld(async (stage) => {
      stage.app().runs.stop(stage.runId, 'keep')
      await stage.app().quit()
      await stage.restart()
    }),
    rightStates: ['cancelled'],
  },
  {
    name: 'the worker ignores that its job is cancelled',
    injections: 'stopped and discarded; cancel is not followed',
    faults: [...held(3), { operation: 'job.train', effect: { kind: 'ignore_cancel' } }],
    during: whileHeld(async ({ app, runId }) => void app().runs.stop(runId, 'discard')),
    rightStates: ['cancelled'],
    endsWithoutAdapter: true,
  },
  {
    name: 'the worker ignores a stop that keeps',
    injections: 'stopped; cancel is not followed',
    faults: [...held(3), { operation: 'job.train', effect: { kind: 'ignore_cancel' } }],
    during: whileHeld(async ({ app, runId }) => void app().runs.stop(runId, 'keep')),
    rightStates: ['cancelled', 'completed'],
  },
  {
    name: 'the answer to cancel is lost',
    injections: 'stopped; cancel broken off before',
    faults: [...held(3), { operation: 'cancel', count: 2, effect: { kind: 'reset_before' } }],
    during: whileHeld(async ({ app, runId }) => void app().runs.stop(runId, 'keep')),
    rightStates: ['cancelled', 'completed'],
  },
  {
    name: 'every worker dies, and what was saved is fetched afterwards',
    injections: 'killed at step 9 each time; rescue',
    faults: [{ operation: 'job.train', count: null, effect: { kind: 'kill', at: 9 } }],
    hyperparameters: { num_train_epochs: 20, max_steps: 20 },
    during: async (stage) => {
      await stage.app().until(() => isEnded(stage.app().runs.get(stage.runId)))
      await stage.control.clearFaults({})
      await fetchWhatWasSaved(stage)
    },
    rightStates: ['failed'],
  },
  {
    name: 'the endpoint was idle for a week',
    injections: 'workers.max is 0',
    before: ({ control, remoteId }) => control.setMaxWorkers({ endpointId: remoteId, max: 0 }),
    rightStates: good,
  },
  {
    name: 'no GPU is free for ten minutes',
    injections: 'queue shut for 10 min',
    before: ({ control, remoteId }) => control.shutQueue({ endpointId: remoteId, forMs: 10 * minuteMs }),
    during: async ({ control }) => void (await control.advance({ ms: 11 * minuteMs })),
    rightStates: good,
  },
  {
    name: 'the budget is spent in mid-run',
    injections: 'budget of $0.70 at $4.18/h',
    config: { budgetMicroUsd: 700_000 },
    hyperparameters: { num_train_epochs: 20, max_steps: 100 },
    rightStates: good,
  },
]

const s3Fault =
  (fault: Parameters<Stage['control']['addS3Fault']>[0]): NonNullable<Scenario['before']> =>
  ({ control }) =>
    control.addS3Fault(fault)

/** What only a storage can suffer. */
const storages: readonly Scenario[] = [
  {
    name: 'the upload breaks off in the middle, over S3',
    injections: 'connection cut after 500 bytes, twice',
    hasS3: true,
    before: s3Fault({ kind: 'cut_upload', afterBytes: 500, times: 2 }),
    rightStates: good,
  },
  {
    name: 'the adapter breaks off in the middle, over S3',
    injections: 'connection cut after 100 bytes, three times',
    hasS3: true,
    before: s3Fault({ kind: 'cut_download', key: 'runs/*', afterBytes: 100, times: 3 }),
    rightStates: good,
  },
  {
    name: 'the storage knows no ranges, over S3',
    injections: 'whole files with 200',
    hasS3: true,
    before: s3Fault({ kind: 'range_ignored', times: null }),
    rightStates: good,
  },
  {
    name: 'the lists of the storage have no end, over S3',
    injections: 'one page and one token for ever',
    hasS3: true,
    before: s3Fault({ kind: 'list_repeats', times: null }),
    rightStates: good,
  },
  {
    name: 'the network volume is full, over S3',
    injections: '507 to every write',
    hasS3: true,
    before: s3Fault({ kind: 'no_space', times: null }),
    rightStates: ['failed'],
    endsWithoutAdapter: true,
  },
]

/** What happens to the world, where the volume can be read without a worker. */
const worldsOverS3: readonly Scenario[] = [...jobs, ...worlds]
  .filter(({ name }) => /six hours|expired|forgets|stop and keep|late progress|without an output|runs twice|dies/.test(name))
  .map((scenario) => Object.assign({}, scenario, { name: `${scenario.name}, over S3`, hasS3: true }))

/** Scenarios with a fault in every phase, and what happens to jobs, workers, the app and the world. */
export const scenarios: readonly Scenario[] = [...repliesByPhase, ...s3ByPhase, ...jobs, ...worlds, ...storages, ...worldsOverS3]

/** Pairs of faults of answers, chosen by a seed. */
export function pairsOf(seed: number, count: number): readonly Scenario[] {
  const next = randomBy(seed)
  const choose = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
  return Array.from({ length: count }, (_, index) => {
    const parts = [0, 1].map(() => ({ phase: choose(Object.entries(phases)), reply: choose(Object.entries(replies)) }))
    return {
      name: `pair ${index + 1} of seed ${seed}`,
      injections: parts.map(({ phase, reply }) => `${phase[0]}: ${reply[0]}`).join(' + '),
      faults: parts.map(({ phase, reply }) => Object.assign({ effect: reply[1] }, phase[1])),
      rightStates: good,
    }
  })
}

/** A small generator of numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomBy(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
