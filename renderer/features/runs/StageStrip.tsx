import { Check, CircleDashed, CircleDot, Octagon, X, type LucideIcon } from 'lucide-react'
import type { Run } from '../../../preload/contract/runs.ts'
import { buildStageStrip, type StageStep } from './stage-strip.ts'

const stateIcons: Readonly<Record<StageStep['state'], LucideIcon>> = {
  done: Check,
  now: CircleDot,
  failed: X,
  stopped: Octagon,
  todo: CircleDashed,
}
const stateWords: Readonly<Record<StageStep['state'], string>> = {
  done: 'done',
  now: 'in progress',
  failed: 'failed',
  stopped: 'stopped',
  todo: 'not started',
}

/** The seven stages of a run; each state has its own shape, so that colour is never needed to tell them apart. */
export function StageStrip({ run }: { readonly run: Run }) {
  return (
    <ol className="stage-strip" aria-label="Stages of the run">
      {buildStageStrip(run).map((step) => (
        <li key={step.id} data-state={step.state} aria-current={step.state === 'now' ? 'step' : undefined}>
          <StageIcon state={step.state} />
          <span className="stage-strip-label">{step.label}</span>
          <span className="sr-only">{stateWords[step.state]}</span>
          {step.progress !== null && <StageProgress value={step.progress} />}
        </li>
      ))}
    </ol>
  )
}

function StageProgress({ value }: { readonly value: number }) {
  const percent = Math.floor(value * 100)
  return (
    <span className="stage-strip-progress">
      <progress aria-label="Training progress" max={100} value={percent} />
      <span>{percent} %</span>
    </span>
  )
}

function StageIcon({ state }: { readonly state: StageStep['state'] }) {
  const Icon = stateIcons[state]
  return <Icon size={14} aria-hidden="true" />
}
