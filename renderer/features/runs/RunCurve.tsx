import { useMutation } from '@tanstack/react-query'
import type { Run } from '../../../preload/contract/runs.ts'
import { LossPanel } from '../../charts/LossPanel.tsx'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { useToasts } from '../../ui/Toasts.tsx'
import { useChartSmoothing } from '../../lib/chart-smoothing.ts'
import { createRunCurve, type CurveState } from './curve-store.ts'
import { useConnected } from './use-connected.ts'

/** The live loss curve of a run. */
export function RunCurve({ run }: { readonly run: Run }) {
  const curve = useConnected(createRunCurve, run.id)
  const [smoothing, setSmoothing] = useChartSmoothing()
  const toasts = useToasts()
  const exportCsv = useMutation({
    mutationFn: () => bridge.invoke('runs.exportMetricsCsv', { id: run.id }),
    onSuccess: (saved) => {
      if (saved !== null) toasts.show(`Saved to ${saved.path}`)
    },
    onError: (error) => toasts.show(describeError(error)),
  })
  return (
    <LossPanel
      title={run.name}
      train={curve.train}
      evals={curve.evals}
      checkpoints={curve.checkpoints}
      startMs={run.startedAtMs ?? run.createdAtMs}
      smoothing={smoothing}
      onSmoothing={setSmoothing}
      onExportCsv={() => exportCsv.mutate()}
      emptyText={emptyText(curve, run)}
    />
  )
}

function emptyText(curve: CurveState, run: Run): string | null {
  if (curve.train.length > 0 || curve.evals.length > 0) return null
  if (curve.status === 'loading') return 'Reading the curve.'
  if (curve.status === 'failed') return 'The curve could not be read. Open the page again to try once more.'
  return run.endedAtMs === null
    ? 'The curve begins with the check of the base model, before the first step.'
    : 'The run ended before the first step, so there is no curve.'
}
