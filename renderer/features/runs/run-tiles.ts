import type { Run } from '../../../preload/contract/runs.ts'
import { formatLoss } from '../../charts/axis-format.ts'
import { meterText } from '../../lib/live-cost.ts'
import { formatBytes, formatCount, formatDuration, formatMoney } from '../../lib/format.ts'

/** One figure beside the chart; unknown values are a dash. */
export interface RunTile {
  readonly id: string
  readonly label: string
  readonly value: string
  readonly note: string | null
}

const unknown = '–'

/** The figures of a run as they stand at `nowMs`. */
export function buildRunTiles(run: Run, nowMs: number): readonly RunTile[] {
  const { head } = run
  const isOver = run.endedAtMs !== null
  return [
    {
      id: 'loss',
      label: 'Loss',
      value: formatLoss(head.loss, 3),
      note: head.lossFirst === null ? null : `first ${formatLoss(head.lossFirst, 3)}`,
    },
    {
      id: 'held-out',
      label: 'Held-out loss',
      value: formatLoss(head.evalLoss, 3),
      note: head.evalLossBase === null ? null : compareToBase(head.evalLoss, head.evalLossBase),
    },
    { id: 'rate', label: 'Learning rate', value: head.learningRate === null ? unknown : formatRate(head.learningRate), note: null },
    {
      id: 'speed',
      label: 'Speed',
      value: head.tokensPerSecond === null ? unknown : formatCount(Math.round(head.tokensPerSecond)),
      note: head.tokensPerSecond === null ? null : 'tokens/s',
    },
    { id: 'elapsed', label: isOver ? 'Took' : 'Elapsed', value: elapsed(run, nowMs), note: null },
    { id: 'left', label: 'Left', value: isOver ? unknown : formatDuration(run.etaMs), note: leftNote(run) },
    { id: 'cost', label: 'Cost', value: costText(run, nowMs), note: costNote(run) },
    {
      id: 'device',
      label: 'Memory',
      value: formatBytes(isOver ? (head.memoryPeakBytes ?? head.memoryBytes) : head.memoryBytes),
      note: memoryNote(run),
    },
  ]
}

/** How long a run has taken, or takes so far; a dash before it began. */
export function elapsed(run: Run, nowMs: number): string {
  return run.startedAtMs === null ? unknown : formatDuration(Math.max(0, (run.endedAtMs ?? nowMs) - run.startedAtMs))
}

/** What a run costs; this computer charges nothing, unknown is a dash. */
export function costText(run: Run, nowMs: number): string {
  if (run.endpointKind === 'local') return 'No charge'
  return run.endedAtMs === null ? (meterText([run], nowMs) ?? formatMoney(run.costMicroUsd)) : formatMoney(run.costMicroUsd)
}

function costNote({ endpointKind, endpointName, endedAtMs, meter }: Run): string | null {
  if (endpointKind === 'local') return endpointName
  const hasCap = meter !== null && meter.capMicroUsd !== null
  if (endedAtMs === null) return hasCap ? 'So far, of its budget' : 'So far'
  return hasCap ? `budget ${formatMoney(meter.capMicroUsd)}` : null
}

function compareToBase(now: number | null, base: number): string {
  if (now === null || base <= 0) return `base ${formatLoss(base, 3)}`
  const percent = Math.round((1 - now / base) * 100)
  const change = percent === 0 ? 'the same' : percent > 0 ? `${percent}\u00a0%\u00a0lower` : `${-percent}\u00a0%\u00a0higher`
  return `base ${formatLoss(base, 3)}, ${change}`
}

/** What was computed to be needed, so that it can be compared with what is used, or was at most. */
function memoryNote({ memoryPlan, plan, head, endedAtMs }: Run): string | null {
  if (memoryPlan === null) return plan?.device ?? null
  // Without a card of its own the trainer can only measure its whole process, which the plan is not of.
  if (plan?.device === 'cpu')
    return endedAtMs === null || head.memoryPeakBytes === null ? 'the whole process' : 'at most, the whole process'
  const planned = `${formatBytes(memoryPlan.totalBytes)} planned`
  return endedAtMs === null || head.memoryPeakBytes === null ? planned : `at most, ${planned}`
}

function leftNote(run: Run): string | null {
  if (run.endedAtMs !== null) return 'Ended'
  if (run.etaMs === null) return 'Known after a few steps'
  return run.head.stepMs === null ? null : `${(run.head.stepMs / 1000).toFixed(1)} s a step`
}

function formatRate(rate: number): string {
  return rate === 0 ? '0' : rate.toExponential(2)
}
