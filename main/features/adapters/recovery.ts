import { AppError } from '../../../preload/contract/errors.ts'
import type { Run, RunStatus } from '../../../preload/contract/runs.ts'
import type { VolumeStore } from '../../integrations/volume/volume-store.ts'
import type { Log } from '../../lib/log.ts'
import type { AdapterCollector } from './collector.ts'
import { isCorrupt } from './corrupt.ts'
import type { Exclusive } from './exclusive.ts'
import { exists } from './file-check.ts'
import type { AdapterPlaces } from './places.ts'
import type { AdapterRecord, AdapterRepository } from './repository.ts'

/** How the run of an adapter stands: still going, ended with this adapter, or ended with its result thrown away. */
export type RunOutcome = 'active' | 'kept' | 'discarded'

const activeStatuses: ReadonlySet<RunStatus> = new Set(['queued', 'initializing', 'running', 'collecting'])

/** Looks at the run of an adapter; a run that is not there any more leaves its adapter to the user. */
export function runOutcome(describeRun: (runId: string) => Run, runId: string): RunOutcome {
  try {
    const { status, stopRequested } = describeRun(runId)
    if (activeStatuses.has(status)) return 'active'
    return stopRequested === 'discard' ? 'discarded' : 'kept'
  } catch (error) {
    if (error instanceof AppError && error.code === 'RUN_NOT_FOUND') return 'kept'
    throw error
  }
}

interface RecoveryDependencies {
  readonly repository: AdapterRepository
  readonly places: AdapterPlaces
  readonly collector: AdapterCollector
  readonly exclusive: Exclusive
  readonly log: Log
  readonly openVolume: (runId: string) => Promise<VolumeStore>
  readonly outcomeOf: (runId: string) => RunOutcome
  readonly check: (record: AdapterRecord) => Promise<void>
  readonly drop: (record: AdapterRecord) => Promise<void>
  readonly changed: (id: string) => void
  readonly signal: AbortSignal
}

/** What has to be put right about adapters when the app starts. */
export function createAdapterRecovery(dependencies: RecoveryDependencies) {
  const { repository, places, collector, exclusive, log, outcomeOf, signal } = dependencies
  const background = new Set<Promise<void>>()

  /** Goes on with a copy; a run that is still active does this itself. */
  const collectOne = (record: AdapterRecord) =>
    exclusive(record.runId, async () => {
      const current = repository.find(record.id)
      if (current?.status !== 'collecting' || signal.aborted) return
      try {
        await collector.fetch(current, await dependencies.openVolume(current.runId), { signal })
      } catch (error) {
        if (signal.aborted || isCorrupt(error)) return
        log.warning('An interrupted copy of an adapter could not go on', { adapterId: current.id, error })
        const reason = error instanceof AppError ? error.message : 'The reason is in the log file.'
        repository.patch(current.id, { status: 'quarantined', quarantineReason: `The copy was interrupted and could not go on. ${reason}` })
        dependencies.changed(current.id)
      }
    })
  const collectPending = async (): Promise<void> => {
    for (const record of repository.list().filter(({ status }) => status === 'collecting')) {
      const outcome = outcomeOf(record.runId)
      if (outcome === 'kept') await collectOne(record)
      else if (outcome === 'discarded') await dependencies.drop(record)
    }
  }
  /** Adapters whose folder was put back are read completely before they count again. */
  const checkReturned = async (): Promise<void> => {
    for (const record of repository.list().filter(({ status }) => status === 'missing')) {
      if (signal.aborted) return
      if (await exists(places.folder(record.relativePath))) await exclusive(record.runId, () => dependencies.check(record))
    }
  }
  const removeLeftovers = async (): Promise<void> => {
    for (const runId of await places.listIncoming()) {
      const status = repository.findByRun(runId)?.status
      if (status !== 'collecting' && status !== 'quarantined' && outcomeOf(runId) !== 'active') await places.clear(runId)
    }
  }
  const run = (work: () => Promise<void>) => {
    const job = work().catch((error: unknown) => {
      if (!signal.aborted) log.error('A check of the adapters at the start failed', error)
    })
    background.add(job)
    void job.then(() => background.delete(job))
  }

  return {
    collectPending,
    /** Marks verified adapters whose folder is gone. */
    async findMoved(): Promise<void> {
      for (const record of repository.list().filter(({ status }) => status === 'verified')) {
        if (await exists(places.folder(record.relativePath))) continue
        repository.patch(record.id, { status: 'missing' })
        dependencies.changed(record.id)
      }
    },
    begin(): void {
      run(removeLeftovers)
      run(checkReturned)
      run(collectPending)
    },
    async whenIdle(): Promise<void> {
      while (background.size > 0) await Promise.all(background)
    },
  }
}
