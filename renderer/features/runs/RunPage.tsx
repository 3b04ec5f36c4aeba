import './run.css'
import { useParams } from '@tanstack/react-router'
import type { Run } from '../../../preload/contract/runs.ts'
import { presetLabels } from '../../lib/hyperparameter-text.ts'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { useRun } from './queries.ts'
import { RunActions } from './RunActions.tsx'
import { RunBanners } from './RunBanners.tsx'
import { RunBadge } from './RunBadge.tsx'
import { RunCurve } from './RunCurve.tsx'
import { RetryLinks } from './RetryLinks.tsx'
import { RunTabs } from './RunTabs.tsx'
import { RunTiles } from './RunTiles.tsx'
import { StageStrip } from './StageStrip.tsx'
import { stageTexts } from './stage-strip.ts'

/** One run, live. */
export function RunPage() {
  const { runId } = useParams({ strict: false })
  return runId === undefined ? null : <LoadedRun key={runId} runId={runId} />
}

function LoadedRun({ runId }: { readonly runId: string }) {
  const run = useRun(runId)
  if (run.data === undefined)
    return run.error === null ? (
      <p className="page-note">Reading the run.</p>
    ) : (
      <ErrorNote error={run.error} onRetry={() => void run.refetch()} />
    )
  return <RunView run={run.data} />
}

function RunView({ run }: { readonly run: Run }) {
  return (
    <div className="run-page">
      <header className="run-head">
        <div className="run-head-name">
          <h2 title={run.name}>{run.name}</h2>
          <p title={`${run.datasetName} · ${run.baseModelLabel}`}>
            {run.datasetName} · {run.baseModelLabel} · {presetLabels[run.config.preset]}
          </p>
          <RetryLinks run={run} />
        </div>
        <div className="run-head-state">
          <RunBadge run={run} />
          <span className="run-head-step">{positionText(run)}</span>
        </div>
        <div className="run-head-actions">
          <RunActions run={run} />
        </div>
      </header>
      <StageStrip run={run} />
      {run.endedAtMs === null && (run.stage !== 'training' || run.stageDetail !== null) && (
        <p className="run-stage-text" aria-live="polite">
          {stageTexts[run.stage]}
          {run.stageDetail === null ? '' : `: ${run.stageDetail}`}
        </p>
      )}
      <RunBanners run={run} />
      <div className="run-main">
        <RunCurve run={run} />
        <RunTiles run={run} />
      </div>
      <RunTabs run={run} />
    </div>
  )
}

function positionText(run: Run): string {
  if (run.plan === null) return ''
  const step = `step ${run.head.step.toLocaleString('en-US')} of ${run.plan.stepsTotal.toLocaleString('en-US')}`
  return run.head.step === 0 ? step : `${step} · epoch ${run.head.epoch.toFixed(1)}`
}
