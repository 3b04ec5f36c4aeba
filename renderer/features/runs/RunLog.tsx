import { useEffect, useMemo, useRef, useState } from 'react'
import type { RunLogLine } from '../../../preload/contract/runs.ts'
import { createRunLog, filterLines } from './log-store.ts'
import { useConnected } from './use-connected.ts'

const firstShown = 500
const moreShown = 2000
const nearBottomPx = 24

/** The run's log, newest line last, following the run until the reader scrolls up. */
export function RunLog({ runId }: { readonly runId: string }) {
  const { status, lines } = useConnected(createRunLog, runId)
  const [level, setLevel] = useState<RunLogLine['level']>('info')
  const [search, setSearch] = useState('')
  const [isFollowing, setFollowing] = useState(true)
  const [limit, setLimit] = useState(firstShown)
  const matching = useMemo(() => filterLines(lines, { level, search }), [lines, level, search])
  const shown = matching.slice(-limit)
  return (
    <section className="run-log" aria-label="Log">
      <div className="run-log-bar">
        <label>
          <span>Level</span>
          <select value={level} onChange={(event) => setLevel(event.target.value as RunLogLine['level'])}>
            <option value="debug">All lines</option>
            <option value="info">Information and above</option>
            <option value="warning">Warnings and errors</option>
            <option value="error">Errors</option>
          </select>
        </label>
        <input
          type="search"
          aria-label="Search the log"
          placeholder="Search the log"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <label className="run-log-follow">
          <input type="checkbox" checked={isFollowing} onChange={(event) => setFollowing(event.target.checked)} />
          Follow
        </label>
        <span className="run-log-count">{matching.length.toLocaleString('en-US')} lines</span>
      </div>
      <LogLines
        lines={shown}
        hidden={matching.length - shown.length}
        isFollowing={isFollowing}
        onFollow={setFollowing}
        onMore={() => setLimit(limit + moreShown)}
        emptyText={emptyText(status, lines.length)}
      />
    </section>
  )
}

interface LogLinesProps {
  readonly lines: readonly RunLogLine[]
  readonly hidden: number
  readonly isFollowing: boolean
  readonly onFollow: (isFollowing: boolean) => void
  readonly onMore: () => void
  readonly emptyText: string
}

function LogLines({ lines, hidden, isFollowing, onFollow, onMore, emptyText: nothing }: LogLinesProps) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isFollowing && lines.length > 0 && box.current !== null) box.current.scrollTop = box.current.scrollHeight
  }, [lines, isFollowing])
  const onScroll = () => {
    const element = box.current
    if (element === null) return
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < nearBottomPx
    if (isAtEnd !== isFollowing) onFollow(isAtEnd)
  }
  return (
    // The box scrolls, so it takes the keyboard.
    <div ref={box} className="run-log-lines" role="log" aria-label="Log lines" aria-live="off" tabIndex={0} onScroll={onScroll}>
      {hidden > 0 && (
        <button type="button" className="run-log-more" onClick={onMore}>
          Show older lines ({hidden.toLocaleString('en-US')} more)
        </button>
      )}
      {lines.length === 0 ? <p>{nothing}</p> : lines.map((line) => <LogLine key={line.id} line={line} />)}
    </div>
  )
}

function LogLine({ line }: { readonly line: RunLogLine }) {
  return (
    <div className="run-log-line" data-level={line.level}>
      <time dateTime={new Date(line.atMs).toISOString()}>{new Date(line.atMs).toLocaleTimeString('en-GB')}</time>
      <span className="run-log-level">{line.level}</span>
      <span className="run-log-source">{line.source}</span>
      <span className="run-log-message">{line.message}</span>
    </div>
  )
}

function emptyText(status: 'loading' | 'ready' | 'failed', count: number): string {
  if (status === 'loading') return 'Reading the log.'
  if (status === 'failed') return 'The log could not be read. Open the page again to try once more.'
  return count === 0 ? 'Nothing has been logged yet.' : 'No line matches. Choose a lower level or clear the search.'
}
