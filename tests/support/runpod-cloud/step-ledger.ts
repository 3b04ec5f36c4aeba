import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'

const lineSchema = z.object({
  kind: z.enum(['restart', 'step', 'finish', 'end']),
  runId: z.string().default(''),
  workerId: z.string().default(''),
  step: z.int().default(0),
})

/** What scripted workers truly did for a run, whatever events and results say. */
export interface StepTruth {
  /** Optimizer steps carried out, repeated ones counted again. */
  executed: number
  distinct: number
  /** Workers that were in the midst of training the run at the same moment, at most. */
  mostWorkersAtOnce: number
  /** How often its last step was followed by an adapter. */
  completions: number
  workerIds: string[]
}

/** A list of steps that only grows; one write per step, so that it survives a kill. */
export interface StepLedger {
  step(runId: string, workerId: string, step: number): void
  finish(runId: string, workerId: string): void
  end(runId: string, workerId: string): void
  read(): ReadonlyMap<string, StepTruth>
}

/** Opens the ledger; whoever trained before a restart trains no more. */
export function openStepLedger(path: string): StepLedger {
  const write = (line: object) => appendFileSync(path, `${JSON.stringify(line)}\n`)
  if (existsSync(path)) write({ kind: 'restart' })
  return {
    step: (runId, workerId, step) => write({ kind: 'step', runId, workerId, step }),
    finish: (runId, workerId) => write({ kind: 'finish', runId, workerId }),
    end: (runId, workerId) => write({ kind: 'end', runId, workerId }),
    read: () => readTruth(path),
  }
}

function readTruth(path: string): ReadonlyMap<string, StepTruth> {
  const runs = new Map<string, StepTruth & { steps: Set<number>; training: Set<string> }>()
  if (!existsSync(path)) return runs
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text === '') continue
    const { kind, runId, workerId, step } = lineSchema.parse(JSON.parse(text))
    if (kind === 'restart') {
      for (const run of runs.values()) run.training.clear()
      continue
    }
    const run = runs.get(runId) ?? {
      executed: 0,
      distinct: 0,
      mostWorkersAtOnce: 0,
      completions: 0,
      workerIds: [],
      steps: new Set(),
      training: new Set(),
    }
    runs.set(runId, run)
    if (kind === 'end') run.training.delete(workerId)
    if (kind === 'finish') run.completions += 1
    if (kind === 'step') {
      run.executed += 1
      run.training.add(workerId)
      run.steps.add(step)
      run.distinct = run.steps.size
    }
    if (!run.workerIds.includes(workerId)) run.workerIds.push(workerId)
    run.mostWorkersAtOnce = Math.max(run.mostWorkersAtOnce, run.training.size)
  }
  return new Map([...runs].map(([runId, { steps: _steps, training: _training, ...truth }]) => [runId, truth]))
}
