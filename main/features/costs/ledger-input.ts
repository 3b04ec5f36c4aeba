import type { CostParts } from '../../../preload/contract/costs.ts'
import type { Calendar, Span } from './calendar.ts'

/** A computed cost, of an ended run, of a job beside the runs, or of a run that goes on. */
export interface LedgerRecord {
  readonly key: string
  readonly type: 'training_compute' | 'transfer' | 'hello'
  readonly runId: string | null
  readonly name: string
  readonly endpointKind: 'local' | 'runpod'
  readonly endpointName: string
  /** Under which RunPod bills it; null where it does not, or where that is not known any more. */
  readonly remoteId: string | null
  readonly amountMicroUsd: number | null
  readonly parts: CostParts | null
  readonly span: Span | null
  readonly durationMs: number
  readonly detail: string
  readonly recordedAtMs: number
  readonly isRunning: boolean
}

/** A line of RunPod's bill with what it is for. */
export interface LedgerBill extends Span {
  readonly subject: 'endpoint' | 'volume'
  readonly remoteId: string
  readonly name: string
  readonly amountMicroUsd: number
}

/** Everything the costs of a span of days are made from. */
export interface LedgerInput {
  readonly records: readonly LedgerRecord[]
  readonly bills: readonly LedgerBill[]
  /** From when to when the bill of each endpoint is known. */
  readonly known: ReadonlyMap<string, Span>
  readonly calendar: Calendar
}

/** The part of an amount that belongs to a span of its time, second for second; the parts of neighbouring spans add up to the whole. */
export function portionOf(amountMicroUsd: number, whole: Span, part: Span): number {
  const lengthMs = whole.toMs - whole.fromMs
  const upTo = (atMs: number) => {
    if (lengthMs <= 0) return atMs > whole.fromMs ? amountMicroUsd : 0
    const share = Math.min(1, Math.max(0, (atMs - whole.fromMs) / lengthMs))
    return Math.round(amountMicroUsd * share)
  }
  return upTo(part.toMs) - upTo(part.fromMs)
}

/** The day a line of the bill belongs to: that of its middle, so that days of RunPod's calendar keep their date. */
export function dayOfBill({ fromMs, toMs }: Span, calendar: Calendar): Span {
  return calendar.dayOf((fromMs + toMs) / 2)
}

/** The days a record's time touches, first to last. */
export function daysOf({ span, recordedAtMs }: Pick<LedgerRecord, 'span' | 'recordedAtMs'>, calendar: Calendar): readonly Span[] {
  if (span === null) return [calendar.dayOf(recordedAtMs)]
  const days = [calendar.dayOf(span.fromMs)]
  for (let last = days[0]; last !== undefined && last.toMs < span.toMs; last = days.at(-1)) days.push(calendar.dayOf(last.toMs))
  return days
}
