import './queue.css'
import { useState } from 'react'
import { Pause, Play, SlidersHorizontal } from 'lucide-react'
import type { RunQueue } from '../../../../preload/contract/queue.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { formatCount } from '../../../lib/format.ts'
import { Button } from '../../../ui/Button.tsx'
import { ErrorNote } from '../../../ui/ErrorNote.tsx'
import { useToasts } from '../../../ui/Toasts.tsx'
import { budgetFigures } from './queue-texts.ts'
import { QueueList } from './QueueList.tsx'
import { QueueSettingsDialog } from './QueueSettingsDialog.tsx'
import { useChangeQueue, useQueue } from './queries.ts'

/** What waits for its turn, above the list of runs: order, shared budget, and why nothing starts where nothing does. */
export function QueueSection() {
  const queue = useQueue()
  if (queue.error !== null) return <ErrorNote error={queue.error} onRetry={() => void queue.refetch()} />
  if (queue.data === undefined) return null
  return (
    <section className="queue" aria-label="Queue">
      <QueueHead queue={queue.data} />
      <PausedNote queue={queue.data} />
      {queue.data.entries.length === 0 ? (
        <p className="queue-empty">Nothing waits. On New run, Add to queue lets runs follow one after the other.</p>
      ) : (
        <QueueList queue={queue.data} />
      )}
    </section>
  )
}

function QueueHead({ queue }: { readonly queue: RunQueue }) {
  const [isOpen, setOpen] = useState(false)
  const pause = useChangeQueue('runs.pauseQueue')
  const toasts = useToasts()
  return (
    <header className="queue-head">
      <h2>Queue</h2>
      {queue.entries.length > 0 && <span className="queue-count">{formatCount(queue.entries.length)} waiting</span>}
      <dl className="queue-money" aria-label="Shared budget">
        {budgetFigures(queue).map(({ label, value }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <span className="queue-actions">
        {queue.paused === null && queue.entries.length > 0 && (
          <Button size="small" onClick={() => pause.mutate({}, { onError: (error) => toasts.show(describeError(error)) })}>
            <Pause size={13} aria-hidden="true" />
            Pause
          </Button>
        )}
        <Button size="small" onClick={() => setOpen(true)}>
          <SlidersHorizontal size={13} aria-hidden="true" />
          Budget and order of work
        </Button>
      </span>
      {isOpen && <QueueSettingsDialog queue={queue} onClose={() => setOpen(false)} />}
    </header>
  )
}

function PausedNote({ queue }: { readonly queue: RunQueue }) {
  const resume = useChangeQueue('runs.resumeQueue')
  const toasts = useToasts()
  if (queue.paused === null) return null
  return (
    <div className="queue-paused" role="status">
      <p>
        <b>{queue.paused.text}</b> {queue.paused.advice}
      </p>
      <Button size="small" onClick={() => resume.mutate({}, { onError: (error) => toasts.show(describeError(error)) })}>
        <Play size={13} aria-hidden="true" />
        Resume
      </Button>
    </div>
  )
}
