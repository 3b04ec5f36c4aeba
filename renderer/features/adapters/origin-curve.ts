import type { RouteOutput } from '../../../preload/contract/contract.ts'
import { appendPoints, emptyCurve, type Curve } from '../../charts/curve.ts'

/** The finished curve of the run an adapter came from. */
export interface OriginCurve {
  readonly train: Curve
  readonly evals: Curve
  readonly checkpoints: RouteOutput<'runs.listMetrics'>['checkpoints']
  readonly startMs: number
}

/** Turns stored metrics into curves; time counts from the first point when the run's start is not known any more. */
export function buildOriginCurve(metrics: RouteOutput<'runs.listMetrics'>, startedAtMs: number | null): OriginCurve {
  const { points, checkpoints } = metrics
  return {
    train: appendPoints(
      emptyCurve,
      points.filter((point) => point.kind === 'train'),
    ),
    evals: appendPoints(
      emptyCurve,
      points.filter((point) => point.kind === 'eval'),
    ),
    checkpoints,
    startMs: startedAtMs ?? points.reduce((first, point) => Math.min(first, point.atMs), points[0]?.atMs ?? 0),
  }
}
