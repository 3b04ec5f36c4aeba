import { useState } from 'react'
import type { Run, RunSample } from '../../../preload/contract/runs.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatCount } from '../../lib/format.ts'
import { pairSamples, sampleSteps } from '../../lib/sample-pairs.ts'
import { SampleComparison } from '../../ui/SampleComparison.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { LearnedText } from '../../ui/LearnedText.tsx'
import { useRunMaskSamples, useRunSamples } from './queries.ts'

const views = [
  { value: 'answers', title: 'Answers' },
  { value: 'learned', title: 'What the model learns' },
] as const

/** Answers before and during training, and what the model learns from a row. */
export function RunSamples({ run }: { readonly run: Run }) {
  const [view, setView] = useState<'answers' | 'learned'>('answers')
  const [step, setStep] = useState<number | null>(null)
  const samples = useRunSamples(run.id)
  const steps = sampleSteps(samples.data ?? [])
  return (
    <div className="run-samples">
      <div className="run-samples-bar">
        <SegmentedControl label="What to show" options={views} value={view} onChange={setView} />
        {view === 'answers' && steps.length > 1 && <StepChoice steps={steps} chosen={step} onChoose={setStep} />}
      </div>
      {view === 'learned' ? (
        <LearnedRows run={run} />
      ) : samples.error !== null ? (
        <p className="run-tab-note">{describeError(samples.error)}</p>
      ) : samples.data === undefined ? (
        <p className="run-tab-note">Reading the samples.</p>
      ) : (
        <Answers run={run} samples={samples.data} step={step !== null && steps.includes(step) ? step : null} />
      )}
    </div>
  )
}

interface StepChoiceProps {
  readonly steps: readonly number[]
  /** Null follows the newest. */
  readonly chosen: number | null
  readonly onChoose: (step: number | null) => void
}

function StepChoice({ steps, chosen, onChoose }: StepChoiceProps) {
  return (
    <label>
      Compare the base model with
      <select
        value={chosen !== null && steps.includes(chosen) ? String(chosen) : ''}
        onChange={(event) => onChoose(event.target.value === '' ? null : Number(event.target.value))}
      >
        <option value="">the newest, step {formatCount(steps[0] ?? 0)}</option>
        {steps.slice(1).map((step) => (
          <option key={step} value={step}>
            step {formatCount(step)}
          </option>
        ))}
      </select>
    </label>
  )
}

function Answers({ run, samples, step }: { readonly run: Run; readonly samples: readonly RunSample[]; readonly step: number | null }) {
  const isOver = run.endedAtMs !== null
  if (samples.length === 0) {
    return (
      <p className="run-tab-note">
        {isOver
          ? 'The run ended before the first sample was written.'
          : 'The base model answers a few prompts before the first step, the model in training at every measurement. Both are shown here side by side.'}
      </p>
    )
  }
  const missing = isOver ? 'Not written, the run ended before.' : 'Written at the next measurement.'
  return <SampleComparison pairs={pairSamples(samples, step)} missingText={step === null ? missing : 'Not written at this step.'} />
}

function LearnedRows({ run }: { readonly run: Run }) {
  const rows = useRunMaskSamples(run.id)
  if (rows.error !== null) return <p className="run-tab-note">{describeError(rows.error)}</p>
  if (rows.data === undefined) return <p className="run-tab-note">Reading the rows.</p>
  if (rows.data.length === 0) {
    return (
      <p className="run-tab-note">
        {run.endedAtMs === null
          ? 'Known when the rows are prepared: up to three rows as the model reads them, with what it learns of them marked.'
          : 'The trainer of this run did not report what it learned of a row.'}
      </p>
    )
  }
  return <LearnedText rows={rows.data} />
}
