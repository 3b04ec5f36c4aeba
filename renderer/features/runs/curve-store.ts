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

const loadingCurve: CurveState = { status: 'loading', train: emptyCurve, evals: emptyCurve, checkpoints: [], cursor: 0 }

/** Adds what one event brought; an event that is already contained changes nothing. */
export function applyProgress(
  state: CurveState,
  progress: Pick<Progress, 'voidAfterStep' | 'points' | 'checkpoints' | 'cursor'>,
): CurveState {
  if (progress.cursor <= state.cursor) return state
  const limit = progress.voidAfterStep
  const train = limit === null ? state.train : truncateAfter(state.train, limit)
  const evals = limit === null ? state.evals : truncateAfter(state.evals, limit)
  const marks = new Map(state.checkpoints.filter((mark) => limit === null || mark.step <= limit).map((mark) => [mark.step, mark]))
  for (const mark of progress.checkpoints) marks.set(mark.step, mark)
  return {
    status: state.status,
    train: appendPoints(
      train,
      progress.points.filter((point) => point.kind === 'train'),
    ),
    evals: appendPoints(
      evals,
      progress.points.filter((point) => point.kind === 'eval'),
    ),
    checkpoints: [...marks.values()],
    cursor: progress.cursor,
  }
}

/** The curve of a run. `connect` listens first and loads then, so that nothing falls between, and answers how to end it. */
export function createRunCurve(runId: string): { store: StoreApi<CurveState>; connect(): () => void } {
  const store = createStore<CurveState>(() => loadingCurve)
  const load = async (early: readonly Progress[], isOpen: () => boolean) => {
    try {
      const metrics = await bridge.invoke('runs.listMetrics', { id: runId })
      if (!isOpen()) return
      const loaded = applyProgress({ ...loadingCurve, status: 'ready', cursor: -1 }, { ...metrics, voidAfterStep: null })
      store.setState(early.reduce(applyProgress, loaded))
    } catch {
      if (isOpen()) store.setState({ status: 'failed' })
    }
  }
  return {
    store,
    connect() {
      let isOpen = true
      const early: Progress[] = []
      store.setState(loadingCurve)
      const stop = bridge.on('runs.progressed', (progress) => {
        if (progress.id !== runId) return
        if (store.getState().status === 'ready') store.setState((state) => applyProgress(state, progress))
        else early.push(progress)
      })
      void load(early, () => isOpen)
      return () => {
        isOpen = false
        stop()
      }
    },
  }
}
