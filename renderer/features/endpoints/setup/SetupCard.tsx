import './setup.css'
import { CircleCheck, CircleDashed, CircleX, Cloud, LoaderCircle, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Setup } from '../../../../preload/contract/endpoint-setups.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { formatMoney } from '../../../lib/format.ts'
import { Badge } from '../../../ui/Badge.tsx'
import { Button } from '../../../ui/Button.tsx'
import { AskKeysForm } from './AskKeysForm.tsx'
import { RemoveSetupDialog } from './RemoveSetupDialog.tsx'
import { useSetupActions } from './setup-queries.ts'

const stepTitles: Readonly<Record<Setup['steps'][number]['id'], string>> = {
  volume: 'Volume',
  files: 'Worker files',
  template: 'Template',
  endpoint: 'Endpoint',
  greeting: 'First start',
}

/** An endpoint that is being made or deleted, or of which something stays and costs. */
export function SetupCard({ setup }: { readonly setup: Setup }) {
  const { goOn } = useSetupActions()
  const [isRemoving, setRemoving] = useState(false)
  const { id, name, phase, problem, isWorking } = setup
  const asksFor = problem?.asksFor ?? null
  return (
    <section className="card endpoint-card" aria-label={name}>
      <header>
        <Cloud size={16} aria-hidden="true" />
        <h2 title={name}>{name}</h2>
        <span className="endpoint-space" />
        <PhaseBadge setup={setup} />
      </header>
      {phase === 'kept' ? (
        <p className="field-hint">{`The endpoint is deleted. The network volume ${setup.volumeId ?? ''} stays, with everything on it.`}</p>
      ) : (
        <Steps steps={setup.steps} />
      )}
      <p className="field-hint">{restText(setup)}</p>
      {problem !== null && (
        <p role="alert" className="field-error">
          {problem.text}
        </p>
      )}
      {goOn.error !== null && (
        <p role="alert" className="field-error">
          {describeError(goOn.error)}
        </p>
      )}
      {asksFor !== null && (
        <AskKeysForm
          asksFor={asksFor}
          isPending={goOn.isPending}
          onGiven={(keys) => goOn.mutate({ id, apiKey: null, s3Keys: null, ...keys })}
        />
      )}
      <div className="endpoint-actions">
        {problem !== null && asksFor === null && (
          <Button onClick={() => goOn.mutate({ id, apiKey: null, s3Keys: null })} disabled={goOn.isPending}>
            Try again
          </Button>
        )}
        {(phase !== 'deleting' || !isWorking) && (
          <Button variant="danger" onClick={() => setRemoving(true)}>
            {phase === 'kept' ? 'Delete the volume' : 'Delete what was made'}
          </Button>
        )}
      </div>
      <RemoveSetupDialog setup={setup} isOpen={isRemoving} onClose={() => setRemoving(false)} />
    </section>
  )
}

function PhaseBadge({ setup: { phase, problem } }: { readonly setup: Setup }) {
  if (problem !== null) return <Badge tone="bad" icon={<CircleX size={13} />} text="Stopped" />
  switch (phase) {
    case 'creating':
      return <Badge tone="active" icon={<LoaderCircle size={13} />} text="Being made" />
    case 'deleting':
      return <Badge tone="active" icon={<Trash2 size={13} />} text="Being deleted" />
    case 'kept':
      return <Badge tone="warn" icon={<CircleDashed size={13} />} text="Volume stays" />
    case 'ready':
      return <Badge tone="good" icon={<CircleCheck size={13} />} text="Ready" />
  }
}

function Steps({ steps }: Pick<Setup, 'steps'>) {
  return (
    <ol className="setup-steps" aria-label="Steps">
      {steps.map(({ id, state, text }) => (
        <li key={id} data-state={state} aria-current={state === 'working' ? 'step' : undefined}>
          <StepIcon state={state} />
          <span>{stepTitles[id]}</span>
          <span>
            <span className="sr-only">{`${state}: `}</span>
            {text}
          </span>
        </li>
      ))}
    </ol>
  )
}

function StepIcon({ state }: Pick<Setup['steps'][number], 'state'>) {
  switch (state) {
    case 'done':
      return <CircleCheck size={14} aria-hidden="true" />
    case 'failed':
      return <CircleX size={14} aria-hidden="true" />
    case 'working':
      return <LoaderCircle size={14} aria-hidden="true" />
    case 'removed':
      return <Trash2 size={14} aria-hidden="true" />
    case 'waiting':
      return <CircleDashed size={14} aria-hidden="true" />
  }
}

/** What is charged now, worked on or not. */
function restText({ volumeId, restsPerMonthMicroUsd, proposal, phase }: Setup): string {
  if (volumeId === null) return phase === 'creating' ? 'Nothing is charged yet.' : 'Nothing of it is charged any more.'
  const cost = restsPerMonthMicroUsd === null ? 'at a price RunPod does not name' : `for ${formatMoney(restsPerMonthMicroUsd)} a month`
  return `The volume of ${proposal.volumeGb} GB is charged ${cost} until it is deleted.`
}
