import { useState } from 'react'
import { ChevronDown, RotateCw, Square, Trash2 } from 'lucide-react'
import { useNavigate } from '@tanstack/react-router'
import type { Run, StopMode } from '../../../preload/contract/runs.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { describeError } from '../../lib/describe-error.ts'
import { useToasts } from '../../ui/Toasts.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { runDraftStore } from './draft-store.ts'
import { LeaveQueue } from './queue/LeaveQueue.tsx'
import { useDeleteRun, useStopRun } from './queries.ts'
import { costText, elapsed } from './run-tiles.ts'

/** What can be done with a run: stop it while it works, run it again or delete it once it has ended. */
export function RunActions({ run }: { readonly run: Run }) {
  if (run.isWaiting === true) return <LeaveQueue run={run} />
  return run.endedAtMs === null ? <StopActions run={run} /> : <EndedActions run={run} />
}

function StopActions({ run }: { readonly run: Run }) {
  const [asked, setAsked] = useState<StopMode | null>(null)
  const stop = useStopRun(run.id)
  const toasts = useToasts()
  const isStopping = run.stopRequested !== null || run.status === 'collecting'
  return (
    <>
      <Menu
        trigger={
          <Button disabled={isStopping || stop.isPending}>
            <Square size={14} aria-hidden="true" />
            {run.stopRequested === null ? 'Stop' : 'Stopping'}
            <ChevronDown size={14} aria-hidden="true" />
          </Button>
        }
        items={[
          { id: 'keep', label: 'Stop and keep adapter', onSelect: () => setAsked('keep') },
          { id: 'discard', label: 'Stop and discard', isDestructive: true, onSelect: () => setAsked('discard') },
        ]}
      />
      <ConfirmDialog
        isOpen={asked !== null}
        title={asked === 'discard' ? 'Stop and discard this run?' : 'Stop this run and keep its adapter?'}
        body={asked === null ? '' : stopText(run, asked)}
        confirmLabel={asked === 'discard' ? 'Stop and discard' : 'Stop and keep adapter'}
        isDestructive={asked === 'discard'}
        onConfirm={() => {
          if (asked !== null) stop.mutate(asked, { onError: (error) => toasts.show(describeError(error)) })
          setAsked(null)
        }}
        onCancel={() => setAsked(null)}
      />
    </>
  )
}

function EndedActions({ run }: { readonly run: Run }) {
  const navigate = useNavigate()
  const [isAsking, setAsking] = useState(false)
  const remove = useDeleteRun()
  const toasts = useToasts()
  const runAgain = () => {
    runDraftStore.getState().copyRun(run)
    void navigate({ to: '/runs/new' })
  }
  return (
    <>
      <Button onClick={runAgain}>
        <RotateCw size={14} aria-hidden="true" />
        Run again
      </Button>
      <Button onClick={() => setAsking(true)} aria-label="Delete run">
        <Trash2 size={14} aria-hidden="true" />
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        title={`Delete the run “${run.name}”?`}
        body={`Its curve, log, samples and history are lost. ${run.adapterId === null ? 'It has no adapter.' : 'Its adapter stays.'} The dataset stays.`}
        confirmLabel="Delete run"
        isDestructive
        onConfirm={() => {
          setAsking(false)
          remove.mutate(run.id, { onSuccess: () => void navigate({ to: '/runs' }), onError: (error) => toasts.show(describeError(error)) })
        }}
        onCancel={() => setAsking(false)}
      />
    </>
  )
}

function stopText(run: Run, mode: StopMode): string {
  const done =
    run.head.step === 0
      ? 'No step has been trained yet.'
      : `${run.head.step.toLocaleString('en-US')} of ${run.plan?.stepsTotal.toLocaleString('en-US') ?? '–'} steps are trained, in ${elapsed(run, Date.now())}, cost so far: ${costText(run, Date.now()).toLowerCase()}.`
  if (mode === 'keep') return `${done} The adapter is saved as it is now; the steps left are not trained.`
  return `${done} All of it is lost, checkpoints included. No adapter is saved.`
}
