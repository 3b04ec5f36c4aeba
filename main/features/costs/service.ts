import type { RouteOutput, RouteParsed } from '../../../preload/contract/contract.ts'
import type { BillCheck, CostOverview, CostPeriod, MonthStanding } from '../../../preload/contract/costs.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import { writeFileAtomically } from '../../lib/atomic-file.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { BillRepository, StoredBillCheck } from './bill-repository.ts'
import { createCalendar, type Calendar, type Span } from './calendar.ts'
import { costsCsv } from './costs-csv.ts'
import { jobRecord } from './job-record.ts'
import { activeRecord, storedRecord } from './ledger-records.ts'
import { buildLedger, type Ledger } from './ledger.ts'
import { totalsOf } from './ledger-totals.ts'
import { standingOf } from './month.ts'
import type { ActiveRunCost, JobCost, RunCost } from './ports.ts'
import type { CostRepository } from './repository.ts'

interface CostServiceDependencies {
  readonly repository: CostRepository
  readonly bills: BillRepository
  readonly clock: Clock
  readonly newId: NewId
  readonly events: EventPublisher
  /** The most that may be spent in a month; null where there is no such limit. */
  readonly monthBudget: () => number | null
  /** Runs on charged endpoints that have not ended. */
  readonly activeRuns: () => readonly ActiveRunCost[]
  /** Told when a run on a charged endpoint has its record: its bill comes soon. */
  readonly onRecorded?: () => void
  /** Asks the user where to save a CSV file; null when the dialog is closed. */
  readonly pickCsvPath: (windowId: number, defaultName: string) => Promise<string | null>
  /** That of this computer without one. */
  readonly calendar?: Calendar
}

export type CostService = ReturnType<typeof createCostService>

/** The rules of the costs: one record per ended run or job, RunPod's bill beside them, and the budget of the month. */
export function createCostService(dependencies: CostServiceDependencies) {
  const { repository, bills, clock, newId, events } = dependencies
  const calendar = dependencies.calendar ?? createCalendar()

  const ledgerOf = (span: Span | null): Ledger & { readonly active: readonly ActiveRunCost[] } => {
    const bounds = [span?.fromMs ?? null, span?.toMs ?? null] as const
    const stored = repository.list(...bounds)
    const recordedRuns = new Set(stored.map(({ record }) => record.runId))
    const active = dependencies.activeRuns().filter(({ runId }) => !recordedRuns.has(runId))
    const ledger = buildLedger({
      records: [
        ...active.map((run) => activeRecord(run, repository.remoteIdOf(run.endpointId), clock.nowMs())),
        ...stored.map(storedRecord),
      ],
      bills: bills.listLines(...bounds),
      known: knownSpans(bills.listChecks()),
      calendar,
    })
    return { active, ...(span === null ? ledger : within(ledger, span)) }
  }
  const month = (): MonthStanding => {
    const span = calendar.monthOf(clock.nowMs())
    const { entries, active } = ledgerOf(span)
    return standingOf({ span, budgetMicroUsd: dependencies.monthBudget(), entries, activeRuns: active })
  }
  const overview = (period: CostPeriod): CostOverview => {
    const span = calendar.periodOf(period, clock.nowMs())
    const ledger = ledgerOf(span)
    return {
      fromMs: span?.fromMs ?? null,
      toMs: span?.toMs ?? null,
      asOfMs: clock.nowMs(),
      ...totalsOf(ledger.entries),
      entries: [...ledger.entries],
      comparisons: [...ledger.comparisons],
      checks: bills
        .listChecks()
        .map(({ subject, remoteId, name, readAtMs, problem }): BillCheck => ({ subject, remoteId, name, readAtMs, problem })),
      month: month(),
    }
  }

  return {
    /** Records once per run, however often it is called. */
    record(cost: RunCost): void {
      const { runId, ...rest } = cost
      const isNew = repository.insertOnce({
        ...rest,
        id: newId(),
        sourceKey: `run:${runId}`,
        runId,
        type: 'training_compute',
        recordedAtMs: clock.nowMs(),
      })
      if (!isNew) return
      events.publish('costs.changed', {})
      if (cost.endpointKind === 'runpod') dependencies.onRecorded?.()
    },
    /** Records once per job. */
    recordJob(job: JobCost): void {
      const runName = job.runId === null ? null : repository.runNameOf(job.runId)
      if (repository.insertOnce({ ...jobRecord(job, runName), id: newId() })) events.publish('costs.changed', {})
    },
    /** Records made in a span of time; the end is not part of it. */
    list({ fromMs, toMs }: RouteParsed<'costs.list'>): RouteOutput<'costs.list'> {
      const isWithin = (atMs: number) => (fromMs === null || atMs >= fromMs) && (toMs === null || atMs < toMs)
      const records = repository
        .list(null, null)
        .map(({ record }) => record)
        .filter(({ recordedAtMs }) => isWithin(recordedAtMs))
      return {
        totalMicroUsd: records.reduce((total, { amountMicroUsd }) => total + (amountMicroUsd ?? 0), 0),
        runs: records.filter(({ type }) => type === 'training_compute').length,
        records,
      }
    },
    overview,
    month,
    /** True when a run that costs `closingMicroUsd` more to end must end now, so that the month stays within its budget. */
    isMonthSpent(closingMicroUsd: number): boolean {
      if (dependencies.monthBudget() === null) return false
      const { budgetMicroUsd, spentMicroUsd } = month()
      return budgetMicroUsd !== null && spentMicroUsd + closingMicroUsd >= budgetMicroUsd
    },
    /** Tells the windows that costs are no longer what they show. */
    changed: (): void => events.publish('costs.changed', {}),
    async exportCsv(period: CostPeriod, windowId: number): Promise<{ path: string } | null> {
      const span = calendar.periodOf(period, clock.nowMs())
      const last = calendar.dateOf(Math.min(clock.nowMs(), (span?.toMs ?? Number.POSITIVE_INFINITY) - 1))
      const first = span === null ? null : calendar.dateOf(span.fromMs)
      const path = await dependencies.pickCsvPath(
        windowId,
        `tunesmith-costs-${first === null ? `until-${last}` : `${first}-to-${last}`}.csv`,
      )
      if (path === null) return null
      await writeFileAtomically(path, costsCsv(ledgerOf(span).entries, calendar))
      return { path }
    },
  }
}

function knownSpans(checks: readonly StoredBillCheck[]): ReadonlyMap<string, Span> {
  return new Map(
    checks.flatMap(({ subject, remoteId, readFromMs, readAtMs }) =>
      subject === 'volume' || readFromMs === null || readAtMs === null ? [] : [[remoteId, { fromMs: readFromMs, toMs: readAtMs }]],
    ),
  )
}

function within({ entries, comparisons }: Ledger, { fromMs, toMs }: Span): Ledger {
  const isWithin = ({ dayMs }: { readonly dayMs: number }) => dayMs >= fromMs && dayMs < toMs
  return { entries: entries.filter(isWithin), comparisons: comparisons.filter(isWithin) }
}
