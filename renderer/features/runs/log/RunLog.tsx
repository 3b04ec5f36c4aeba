import './log.css'
import { useRef, useState } from 'react'
import { useMutation } from '@tanstack/react-query'
import type { LogFilter } from '../../../../preload/contract/run-log.ts'
import { bridge } from '../../../lib/bridge.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { formatCount } from '../../../lib/format.ts'
import { ErrorNote } from '../../../ui/ErrorNote.tsx'
import { useToasts } from '../../../ui/Toasts.tsx'
import { LogBar } from './LogBar.tsx'
import { LogLines } from './LogLines.tsx'
import { useLiveLog, useLogLines } from './log-queries.ts'
import { rangeOf, type LogSelection } from './log-selection.ts'
import { useLogSearch } from './use-log-search.ts'
import { useLogWindow } from './use-log-window.ts'

/** The log of a run: what the app, the trainer and the worker said, in the order of time. */
export function RunLog({ runId }: { readonly runId: string }) {
  const [filter, setFilter] = useState<LogFilter>({ source: 'all', level: 'info' })
  const [isFollowing, setFollowing] = useState(true)
  const [selection, setSelection] = useState<LogSelection | null>(null)
  const [known, setKnown] = useState(0)
  const field = useRef<HTMLInputElement>(null)
  useLiveLog(runId)
  const [box, list] = useLogWindow(known, isFollowing, setFollowing)
  const { total, lineAt, error, retry } = useLogLines(runId, filter, list)
  if (total !== undefined && total !== known) setKnown(total)
  const goTo = (place: number) => {
    setFollowing(false)
    setSelection({ anchor: place, active: place })
    list.show(place)
  }
  const search = useLogSearch({ runId, filter, place: selection?.active ?? list.firstInSight, goTo })
  const { copy, save } = useLogActions(runId, filter, selection)
  const range = selection === null ? null : rangeOf(selection)
  return (
    <section className="run-log" aria-label="Log">
      <LogBar
        filter={filter}
        onFilter={(next) => {
          setFilter(next)
          setSelection(null)
        }}
        isFollowing={isFollowing}
        onFollow={setFollowing}
        chosen={range === null ? 0 : range.last - range.first + 1}
        onCopy={copy}
        onExport={save}
        search={{ ...search, field }}
      />
      {error !== null && <ErrorNote error={error} onRetry={retry} />}
      <LogLines
        runId={runId}
        total={known}
        lineAt={lineAt}
        box={box}
        list={list}
        search={search.applied}
        selection={selection}
        onSelect={(next) => {
          setSelection(next)
          if (next !== null && next.active < known - 1) setFollowing(false)
        }}
        onCopy={copy}
        onFind={() => field.current?.focus()}
      />
      <p className="run-log-foot">{footText(total, filter)}</p>
    </section>
  )
}

function useLogActions(runId: string, filter: LogFilter, selection: LogSelection | null) {
  const toasts = useToasts()
  const onError = (error: unknown) => toasts.show(describeError(error))
  const copying = useMutation({
    mutationFn: (chosen: LogSelection) => bridge.invoke('runs.copyLog', { id: runId, filter, ...rangeOf(chosen) }),
    onSuccess: () => toasts.show('Lines copied.'),
    onError,
  })
  const saving = useMutation({
    mutationFn: (format: 'text' | 'jsonl') => bridge.invoke('runs.exportLog', { id: runId, filter, format }),
    onSuccess: (saved) => {
      if (saved !== null) toasts.show(`Saved to ${saved.path}`)
    },
    onError,
  })
  return {
    copy: () => {
      if (selection !== null) copying.mutate(selection)
    },
    save: (format: 'text' | 'jsonl') => saving.mutate(format),
  }
}

function footText(total: number | undefined, { source, level }: LogFilter): string {
  if (total === undefined) return 'Reading the log.'
  if (total > 0) return `${formatCount(total)} ${total === 1 ? 'line' : 'lines'}`
  return source === 'all' && level === 'debug' ? 'Nothing has been logged yet.' : 'No line of this source and level. Choose others above.'
}
