import type { Run, RunStage } from '../../../preload/contract/runs.ts'

/** One step of the strip above the chart. */
export interface StageStep {
  readonly id: StageId
  readonly label: string
  readonly state: 'done' | 'now' | 'failed' | 'stopped' | 'todo'
  /** 0–1 when the step in hand has a known total. */
  readonly progress: number | null
}
export type StageId = 'prepare' | 'queue' | 'load' | 'base' | 'train' | 'save' | 'collect'

const steps: readonly { readonly id: StageId; readonly label: string }[] = [
  { id: 'prepare', label: 'Prepare' },
  { id: 'queue', label: 'Queue' },
  { id: 'load', label: 'Load' },
  { id: 'base', label: 'Base check' },
  { id: 'train', label: 'Train' },
  { id: 'save', label: 'Save' },
  { id: 'collect', label: 'Collect' },
]

const stepOfStage: Readonly<Record<Exclude<RunStage, 'ended'>, StageId>> = {
  waiting: 'prepare',
  uploading: 'prepare',
  queued_on_endpoint: 'queue',
  starting_worker: 'queue',
  preparing: 'load',
  loading_model: 'load',
  evaluating_base: 'base',
  training: 'train',
  saving: 'save',
  packaging: 'save',
  collecting: 'collect',
}

/** What the run is doing, in words for the line beside the badge. */
export const stageTexts: Readonly<Record<RunStage, string>> = {
  waiting: 'Waiting to be sent',
  uploading: 'Copying the dataset to the endpoint',
  queued_on_endpoint: 'Waiting for a worker',
  starting_worker: 'Starting the worker',
  preparing: 'Preparing the conversations',
  loading_model: 'Loading the base model',
  evaluating_base: 'Measuring the base model before training',
  training: 'Training',
  saving: 'Saving the adapter',
  packaging: 'Packing the adapter',
  collecting: 'Copying the adapter to this computer and checking it',
  ended: 'Ended',
}

/** Turns a run into the strip: everything before the current step is done, an ended run marks where it ended. */
export function buildStageStrip(run: Run): readonly StageStep[] {
  const current = steps.findIndex((step) => step.id === currentStep(run))
  const isWholeRunDone = run.status === 'completed'
  return steps.map(({ id, label }, index) => {
    const step = (state: StageStep['state'], progress: number | null = null): StageStep => ({ id, label, state, progress })
    if (isWholeRunDone || index < current) return step(endsEarly(run, id) ? 'stopped' : 'done')
    if (index > current) return step('todo')
    if (run.status === 'failed') return step('failed')
    if (run.status === 'cancelled') return step(run.adapterId === null ? 'stopped' : 'done')
    return step('now', id === 'train' ? run.progress : null)
  })
}

function currentStep(run: Run): StageId {
  return run.stage === 'ended' ? lastKnownStep(run) : stepOfStage[run.stage]
}

function lastKnownStep(run: Run): StageId {
  // A failed training may have left its best checkpoint; it is the training that failed.
  if (run.adapterId !== null && run.status !== 'failed') return 'collect'
  if (run.plan !== null && run.head.step >= run.plan.stepsTotal && run.head.step > 0) return 'save'
  if (run.head.step > 0) return 'train'
  if (run.head.evalLossBase !== null) return 'train'
  if (run.plan !== null) return 'base'
  if (run.startedAtMs !== null) return 'load'
  return run.jobId === null ? 'prepare' : 'queue'
}

/** True for the training step of a run that was stopped before its last step but kept its adapter. */
function endsEarly(run: Run, step: StageId): boolean {
  return step === 'train' && run.stopRequested === 'keep' && run.plan !== null && run.head.step < run.plan.stepsTotal
}
