import { createStore, type StoreApi } from 'zustand/vanilla'
import type { EventPayload, RouteOutput } from '../../../preload/contract/contract.ts'
import { appendPoints, emptyCurve, truncateAfter, type Curve } from '../../charts/curve.ts'
import { bridge } from '../../lib/bridge.ts'

type Metrics = RouteOutput<'runs.listMetrics'>
type Progress = EventPayload<'runs.progressed'>
type Checkpoint = Metrics['checkpoints'][number]

/** The live curve of one open run. */
export interface CurveState {
  readonly status: 'loading' | 'ready' | 'failed'
  readonly train: Curve
  readonly evals: Curve
  readonly checkpoints: readonly Checkpoint[]
  /** Highest worker event contained; older events are already in. */
  readonly cursor: number
}

/** The curve before anything has been loaded. */
export const loadingCurve: CurveState = { status: 'loading', train: emptyCurve, evals: emptyCurve, checkpoints: [], cursor: 0 }

/** Adds what one event brought; an event that is already contained changes nothing. */
export function applyProgress(state: CurveState, progress: Pick<Progress, 'voidAfterStep' | 'points' | 'checkpoints' | 'cursor'>): CurveState {
  if (progress.cursor <= state.cursor) return state
  const limit = progress.voidAfterStep
  const train = limit === null ? state.train : truncateAfter(state.train, limit)
  const evals = limit === null ? state.evals : truncateAfter(state.evals, limit)
  const marks = new Map(state.checkpoints.filter((mark) => limit === null || mark.step <= limit).map((mark) => [mark.step, mark]))
  for (const mark of progress.checkpoints) marks.set(mark.step, mark)
  return {
    status: state.status,
    train: appendPoints(train, progress.points.filter((point) => point.kind === 'train')),
    evals: appendPoints(evals, progress.points.filter((point) => point.kind === 'eval')),
    checkpoints: [...marks.values()],
    cursor: progress.cursor,
  }
}

/** Opens the curve of a run: listens first, loads then, so that nothing falls between; `close` ends it. */
export function openCurve(runId: string): { store: StoreApi<CurveState>; close(): void } {
  const store = createStore<CurveState>(() => loadingCurve)
  const early: Progress[] = []
  let isOpen = true
  const stop = bridge.on('runs.progressed', (progress) => {
    if (progress.id !== runId) return
    if (store.getState().status === 'ready') store.setState((state) => applyProgress(state, progress))
    else early.push(progress)
  })
  const load = async () => {
    try {
      const metrics = await bridge.invoke('runs.listMetrics', { id: runId })
      if (!isOpen) return
      const loaded = applyProgress({ ...loadingCurve, status: 'ready', cursor: -1 }, { ...metrics, voidAfterStep: null })
      store.setState(early.reduce(applyProgress, loaded))
    } catch {
      if (isOpen) store.setState({ status: 'failed' })
    }
  }
  void load()
  return {
    store,
    close() {
      isOpen = false
      stop()
    },
  }
}
