import { ChevronDown, ChevronUp, Copy, Download } from 'lucide-react'
import type { KeyboardEvent, RefObject } from 'react'
import type { LogFilter } from '../../../../preload/contract/run-log.ts'
import { formatCount } from '../../../lib/format.ts'
import { Button } from '../../../ui/Button.tsx'
import { Menu } from '../../../ui/Menu.tsx'

interface LogBarProps {
  readonly filter: LogFilter
  readonly onFilter: (filter: LogFilter) => void
  readonly isFollowing: boolean
  readonly onFollow: (isFollowing: boolean) => void
  readonly chosen: number
  readonly onCopy: () => void
  readonly onExport: (format: 'text' | 'jsonl') => void
  readonly search: LogSearchProps
}

/** What the log is narrowed to, the search, and what can be done with its lines. */
export function LogBar({ filter, onFilter, isFollowing, onFollow, chosen, onCopy, onExport, search }: LogBarProps) {
  return (
    <div className="run-log-bar">
      <select
        aria-label="Source"
        value={filter.source}
        onChange={(event) => onFilter({ ...filter, source: event.target.value as LogFilter['source'] })}
      >
        <option value="all">All sources</option>
        <option value="app">App</option>
        <option value="trainer">Trainer</option>
        <option value="worker">Worker</option>
      </select>
      <select
        aria-label="Level"
        value={filter.level}
        onChange={(event) => onFilter({ ...filter, level: event.target.value as LogFilter['level'] })}
      >
        <option value="debug">All levels</option>
        <option value="info">Information and above</option>
        <option value="warning">Warnings and errors</option>
        <option value="error">Errors</option>
      </select>
      <LogSearch {...search} />
      <label className="run-log-follow">
        <input type="checkbox" checked={isFollowing} onChange={(event) => onFollow(event.target.checked)} />
        Follow
      </label>
      <span className="run-log-actions">
        <Button size="small" disabled={chosen === 0} onClick={onCopy}>
          <Copy size={14} aria-hidden="true" />
          {chosen === 0 ? 'Copy lines' : `Copy ${formatCount(chosen)} ${chosen === 1 ? 'line' : 'lines'}`}
        </Button>
        <Menu
          trigger={
            <Button size="small">
              <Download size={14} aria-hidden="true" />
              Export
              <ChevronDown size={14} aria-hidden="true" />
            </Button>
          }
          items={[
            { id: 'text', label: 'As text', onSelect: () => onExport('text') },
            { id: 'jsonl', label: 'As JSON lines', onSelect: () => onExport('jsonl') },
          ]}
        />
      </span>
    </div>
  )
}

interface LogSearchProps {
  readonly field: RefObject<HTMLInputElement | null>
  readonly text: string
  readonly onText: (text: string) => void
  /** `3 of 57`; empty while nothing is searched for. */
  readonly countText: string
  readonly hasMatches: boolean
  readonly onGo: (direction: 'next' | 'previous') => void
}

function LogSearch({ field, text, onText, countText, hasMatches, onGo }: LogSearchProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') onGo(event.shiftKey ? 'previous' : 'next')
    else if (event.key === 'Escape' && text !== '') onText('')
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <span className="run-log-search" role="search" aria-label="Search the log">
      <input
        ref={field}
        type="search"
        aria-label="Search the log"
        placeholder="Search the log"
        maxLength={200}
        value={text}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <Button size="small" variant="ghost" aria-label="Previous match" disabled={!hasMatches} onClick={() => onGo('previous')}>
        <ChevronUp size={14} aria-hidden="true" />
      </Button>
      <Button size="small" variant="ghost" aria-label="Next match" disabled={!hasMatches} onClick={() => onGo('next')}>
        <ChevronDown size={14} aria-hidden="true" />
      </Button>
      <span className="run-log-count" role="status">
        {countText}
      </span>
    </span>
  )
}
