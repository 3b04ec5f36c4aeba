import type { WorkerEvent } from '../../preload/contract/worker-events.ts'
import { createRandom } from './random.ts'

const evalEvery = 100
const checkpointEvery = 500
const startMs = 1_700_000_000_000

/** The events of a long training: steps, and now and then an evaluation or a checkpoint. */
export function createWorkerEvents(seed: number, count: number): readonly WorkerEvent[] {
  const random = createRandom(seed)
  const events: WorkerEvent[] = []
  const common = () => ({ seq: events.length + 1, attempt: 1, t: startMs + events.length * 400 })
  for (let step = 1; events.length < count; step += 1) {
    events.push({ ...common(), ...stepBody(step, random) })
    if (step % evalEvery === 0) {
      events.push({ ...common(), kind: 'eval', step, epoch: step / 5000, eval_loss: 1 + random(), eval_tokens: 12_000, rows: 30 })
    }
    if (step % checkpointEvery === 0) events.push({ ...common(), kind: 'checkpoint', step, bytes: 48_000_000, best: random() < 0.5 })
  }
  return events.slice(0, count)
}

function stepBody(step: number, random: () => number): Omit<Extract<WorkerEvent, { kind: 'step' }>, 'seq' | 'attempt' | 't'> {
  return {
    kind: 'step',
    step,
    epoch: step / 5000,
    loss: 1 + 2 * Math.exp(-step / 4000) + random() / 3,
    learning_rate: 2e-4 * (1 - step / 120_000),
    grad_norm: 0.4 + random(),
    tokens: step * 4096,
    label_tokens: step * 2100,
    tokens_per_s: 9000 + random() * 1500,
    step_ms: 380 + random() * 40,
    memory_bytes: 7_400_000_000,
  }
}
