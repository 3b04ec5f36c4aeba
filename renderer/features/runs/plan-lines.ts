import type { Estimate } from '../../../preload/contract/runs.ts'
import type { Range } from '../../../preload/contract/primitives.ts'
import { formatCount, formatDuration, formatMoney } from '../../lib/format.ts'

/** One line of the plan card. */
export interface PlanLine {
  readonly id: 'rows' | 'tokens' | 'steps' | 'time' | 'cost'
  readonly label: string
  readonly value: string
  readonly isEstimate: boolean
  /** A word for what an estimated figure rests on. */
  readonly tag: string
  /** Where the number comes from. */
  readonly basis: string | null
}

type PaceBasis = NonNullable<Estimate['pace']>['basis']

const paceTags: Readonly<Record<PaceBasis, string>> = { measured: 'measured', table: 'from table', simple: 'simple' }
const minuteMs = 60_000
const hourMs = 3_600_000

/** The plan as lines in reading order; a figure that was not computed is a dash, never zero. */
export function buildPlanLines(estimate: Estimate): readonly PlanLine[] {
  const basis = (figure: 'tokens' | 'steps' | 'time' | 'cost') => estimate.basis.find((entry) => entry.figure === figure)?.text ?? null
  const paceTag = estimate.pace === undefined || estimate.pace === null ? 'estimate' : paceTags[estimate.pace.basis]
  return [
    {
      id: 'rows',
      label: 'Rows',
      value: `${formatCount(estimate.rows)} to train`,
      isEstimate: false,
      tag: 'estimate',
      basis:
        estimate.rowsEval === 0
          ? 'None are held out, so the result cannot be rated.'
          : `${formatCount(estimate.rowsEval)} more are held out to measure with.`,
    },
    {
      id: 'tokens',
      label: 'Tokens',
      value: writeRange(estimate.tokens, formatCount),
      isEstimate: !isExact(estimate.tokens),
      tag: 'estimate',
      basis: basis('tokens'),
    },
    {
      id: 'steps',
      label: 'Steps',
      value: formatCount(estimate.steps),
      isEstimate: false,
      tag: 'estimate',
      basis: basis('steps') ?? `${formatCount(estimate.stepsPerEpoch)} in each epoch.`,
    },
    {
      id: 'time',
      label: 'Time',
      value: estimate.durationMs === null ? '–' : writeTimeRange(estimate.durationMs),
      isEstimate: estimate.durationMs !== null,
      tag: paceTag,
      basis: basis('time'),
    },
    {
      id: 'cost',
      label: 'Cost',
      value: writeCost(estimate.costMicroUsd),
      isEstimate: estimate.costMicroUsd !== null && estimate.costMicroUsd.high > 0,
      tag: paceTag,
      basis: basis('cost'),
    },
  ]
}

/** What the Start button says it will do and cost. */
export function startLabel(estimate: Estimate | null): string {
  const cost = estimate?.costMicroUsd ?? null
  if (estimate === null) return 'Start run'
  if (cost === null) return 'Start run, cost unknown'
  return cost.high === 0 ? 'Start run, no charge' : `Start run, about ${writeCost(cost)}`
}

/** A cost with its range; unknown is a dash. */
export function writeCost(cost: Range | null): string {
  if (cost === null) return '–'
  if (cost.high === 0) return 'No charge'
  return writeRange(cost, formatMoney)
}

function writeRange({ low, high }: Range, format: (value: number) => string): string {
  const [from, to] = [format(Math.round(low)), format(Math.round(high))]
  return from === to ? from : `${from}–${to.replace(/^\$/, '')}`
}

/** Times in one unit and without digits an estimate cannot have: "11–16 min". */
export function writeTimeRange({ low, high }: Range): string {
  if (low === high) return formatDuration(Math.round(low))
  if (high < 2 * minuteMs) return joinRange(Math.floor(low / 1000), Math.ceil(high / 1000), 's')
  if (high < 2 * hourMs) return joinRange(Math.max(1, Math.floor(low / minuteMs)), Math.ceil(high / minuteMs), 'min')
  return joinRange(Math.floor((low / hourMs) * 10) / 10, Math.ceil((high / hourMs) * 10) / 10, 'h')
}

function joinRange(low: number, high: number, unit: string): string {
  return low === high ? `${low} ${unit}` : `${low}–${high} ${unit}`
}

function isExact(range: Range): boolean {
  return range.low === range.high
}
