import { useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react'
import { Link } from '@tanstack/react-router'
import { EllipsisVertical, GripVertical } from 'lucide-react'
import type { QueueEntry, RunQueue } from '../../../../preload/contract/queue.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { formatMoney } from '../../../lib/format.ts'
import { Button } from '../../../ui/Button.tsx'
import { Menu } from '../../../ui/Menu.tsx'
import { useToasts } from '../../../ui/Toasts.tsx'
import { writeCost, writeTimeRange } from '../plan-lines.ts'
import { movedText, stateText, targetIndex } from './queue-texts.ts'
import { useChangeQueue } from './queries.ts'
import { dropMark, useDragOrder } from './use-drag-order.ts'

type Move = Parameters<typeof targetIndex>[0]

const moveKeys: Readonly<Record<string, Move>> = { ArrowUp: 'up', ArrowDown: 'down', Home: 'top', End: 'bottom' }

/** Waiting runs in their order; moved by pointer, by Alt and an arrow key, or from the menu of a row. */
export function QueueList({ queue }: { readonly queue: RunQueue }) {
  const { entries } = queue
  const ids = entries.map(({ run }) => run.id)
  const { moveTo, said, refocus } = useMoves(entries)
  const { drag, list, handle } = useDragOrder(ids, moveTo)
  // A moved row is taken out of the page and put back, which would lose the keyboard's place.
  useLayoutEffect(() => refocus(list.current))
  return (
    <>
      <ol className="queue-list" ref={list} data-dragging={drag !== null}>
        {entries.map((entry, index) => (
          <li key={entry.run.id} className="queue-row" data-moving={drag?.id === entry.run.id} data-drop={dropMark(drag, ids, index)}>
            <button
              type="button"
              className="queue-handle"
              data-queue-handle={entry.run.id}
              aria-label={`Move ${entry.run.name}, number ${index + 1} of ${entries.length}. Alt and an arrow key move it.`}
              title="Drag to reorder, or press Alt with an arrow key"
              {...handle(entry.run.id)}
              onKeyDown={(event: KeyboardEvent) => {
                const move = event.altKey ? moveKeys[event.key] : undefined
                if (move === undefined) return
                event.preventDefault()
                const target = targetIndex(move, index, entries.length)
                if (target !== null) moveTo(entry.run.id, target)
              }}
            >
              <GripVertical size={14} aria-hidden="true" />
            </button>
            <span className="queue-number">{index + 1}</span>
            <QueueRowText entry={entry} state={stateText(entry, index, queue)} />
            <QueueRowActions entry={entry} index={index} count={entries.length} onMove={moveTo} />
          </li>
        ))}
      </ol>
      <p className="sr-only" aria-live="polite">
        {said}
      </p>
    </>
  )
}

/** Moves rows, says so, and keeps the keyboard on the row that was moved. */
function useMoves(entries: readonly QueueEntry[]) {
  const move = useChangeQueue('runs.moveQueued')
  const toasts = useToasts()
  const [said, setSaid] = useState('')
  const focused = useRef<string | null>(null)
  const moveTo = (id: string, toIndex: number) => {
    focused.current = id
    const name = entries.find(({ run }) => run.id === id)?.run.name ?? 'The run'
    move.mutate(
      { id, toIndex },
      {
        onSuccess: () => setSaid(movedText(name, toIndex, entries.length)),
        onError: (error) => toasts.show(describeError(error)),
      },
    )
  }
  const refocus = (list: HTMLOListElement | null) => {
    if (focused.current === null || move.isPending) return
    list?.querySelector<HTMLElement>(`[data-queue-handle="${focused.current}"]`)?.focus()
    focused.current = null
  }
  return { moveTo, said, refocus }
}

function QueueRowText({ entry: { run, durationMs, costMicroUsd, hold }, state }: { readonly entry: QueueEntry; readonly state: string }) {
  const time = durationMs === null ? '–' : writeTimeRange(durationMs)
  const budget = run.config.budgetMicroUsd
  return (
    <>
      <span className="queue-name">
        <Link to="/runs/$runId" params={{ runId: run.id }} title={run.name}>
          {run.name}
        </Link>
        <span title={`${run.datasetName} · ${run.endpointName}`}>
          {run.datasetName} · {run.endpointName}
        </span>
      </span>
      <span className="queue-estimate">
        <span>{run.endpointKind === 'local' ? 'No charge' : writeCost(costMicroUsd)}</span>
        <span title="Estimate of the time, and the most that was set for this run">
          {time}
          {budget === null ? '' : ` · at most ${formatMoney(budget)}`}
        </span>
      </span>
      <span className="queue-state" data-held={hold !== null}>
        {state}
      </span>
    </>
  )
}

interface QueueRowActionsProps {
  readonly entry: QueueEntry
  readonly index: number
  readonly count: number
  readonly onMove: (id: string, toIndex: number) => void
}

function QueueRowActions({ entry: { run, hold }, index, count, onMove }: QueueRowActionsProps) {
  const leave = useChangeQueue('runs.leaveQueue')
  const agree = useChangeQueue('runs.agreeToPrice')
  const toasts = useToasts()
  const onError = (error: unknown) => toasts.show(describeError(error))
  const item = (move: Move, label: string) => {
    const target = targetIndex(move, index, count)
    return { id: move, label, isDisabled: target === null, onSelect: () => target !== null && onMove(run.id, target) }
  }
  const asked = hold?.askedPriceMicroUsdPerHour ?? null
  return (
    <span className="queue-row-actions">
      {asked !== null && (
        <Button size="small" onClick={() => agree.mutate({ id: run.id, priceMicroUsdPerHour: asked }, { onError })}>
          Agree to {formatMoney(asked)} an hour
        </Button>
      )}
      <Menu
        trigger={
          <Button variant="ghost" size="small" aria-label={`Actions for ${run.name}`}>
            <EllipsisVertical size={14} aria-hidden="true" />
          </Button>
        }
        items={[
          item('up', 'Move up'),
          item('down', 'Move down'),
          item('top', 'Move to the top'),
          item('bottom', 'Move to the end'),
          {
            id: 'leave',
            label: 'Remove from queue',
            isDestructive: true,
            onSelect: () =>
              leave.mutate(
                { id: run.id },
                {
                  onSuccess: () => toasts.show(`${run.name} left the queue. It stays in the list; Run again brings its settings back.`),
                  onError,
                },
              ),
          },
        ]}
      />
    </span>
  )
}
