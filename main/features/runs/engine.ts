import { AppError } from '../../../preload/contract/errors.ts'
import type { RunLogLine } from '../../../preload/contract/runs.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import { describeEvent, logLevelOf } from './describe-event.ts'
import { createState, reduce } from './machine.ts'
import type { ProgressRepository } from './progress/repository.ts'
import type { RunRepository } from './repository.ts'
import type { Effect, MachineEvent, RunState } from './state.ts'

type CreatedEvent = Extract<MachineEvent, { type: 'created' }>

/** Applies events to stored runs: event and new state are on the disk before any effect is carried out. */
export interface RunEngine {
  create(run: { id: string; name: string; config: Parameters<RunRepository['insert']>[0]['config'] }, event: CreatedEvent): void
  /** Applies events in order, together with `alsoWrite` in one transaction; answers with the state after them. */
  dispatch(runId: string, events: readonly MachineEvent[], alsoWrite?: () => void): RunState
  stateOf(runId: string): RunState
  /** Who carries out effects; set once by the driver. */
  onEffects(carryOut: (runId: string, effects: readonly Effect[]) => void): void
  /** Who is told of every stored change, before its effects; set once by the queue. */
  onChanged(listener: (runId: string, state: RunState) => void): void
}

interface EngineDependencies {
  readonly repository: RunRepository
  readonly progress: ProgressRepository
  readonly events: EventPublisher
  readonly clock: Clock
}

/** Builds the engine over the run tables. */
export function createRunEngine({ repository, progress, events, clock }: EngineDependencies): RunEngine {
  let carryOut: ((runId: string, effects: readonly Effect[]) => void) | null = null
  let tellChange: ((runId: string, state: RunState) => void) | null = null

  const stateOf = (runId: string): RunState => {
    const state = repository.findState(runId)
    if (state === undefined) throw new AppError('RUN_NOT_FOUND', 'This run is not in the list any more.')
    return state
  }

  const record = (runId: string, event: MachineEvent, atMs: number): RunLogLine | null => {
    repository.appendEvent(runId, atMs, event)
    const level = logLevelOf(event)
    return level === null ? null : progress.addLog(runId, { atMs, level, source: 'app', message: describeEvent(event) })
  }

  const finish = (runId: string, state: RunState, lines: readonly (RunLogLine | null)[], effects: readonly Effect[]) => {
    events.publish('runs.changed', { id: runId })
    tellChange?.(runId, state)
    const written = lines.filter((line) => line !== null)
    if (written.length > 0) events.publish('runs.logged', { id: runId, lines: written })
    if (effects.length > 0) carryOut?.(runId, effects)
  }

  return {
    stateOf,
    onEffects: (next) => void (carryOut = next),
    onChanged: (next) => void (tellChange = next),
    create(run, event) {
      const atMs = clock.nowMs()
      const { state, effects } = createState(event, atMs)
      const line = repository.transaction(() => {
        repository.insert({ ...run, state })
        return record(run.id, event, atMs)
      })
      finish(run.id, state, [line], effects)
    },
    dispatch(runId, machineEvents, alsoWrite) {
      const lines: (RunLogLine | null)[] = []
      const effects: Effect[] = []
      const { before, state } = repository.transaction(() => {
        const before = stateOf(runId)
        let state = before
        for (const event of machineEvents) {
          const atMs = clock.nowMs()
          const next = reduce(state, event, atMs)
          if (next.state === state) continue
          lines.push(record(runId, event, atMs))
          effects.push(...next.effects)
          state = next.state
        }
        alsoWrite?.()
        if (state !== before) repository.saveState(runId, state)
        return { before, state }
      })
      if (state !== before) finish(runId, state, lines, effects)
      return state
    },
  }
}
