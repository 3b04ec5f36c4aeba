import { useEffect, useRef, useState } from 'react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { LogFilter } from '../../../../preload/contract/run-log.ts'
import { formatCount } from '../../../lib/format.ts'
import { searchQuery } from './log-queries.ts'
import { neighbourMatch } from './log-selection.ts'

const typingPauseMs = 200

interface SearchOptions {
  readonly runId: string
  readonly filter: LogFilter
  /** Where the reader is. */
  readonly place: number
  readonly goTo: (place: number) => void
}

/** The search field with its matches in the whole log; a new text leads to its first match from where the reader is. */
export function useLogSearch({ runId, filter, place, goTo }: SearchOptions) {
  const client = useQueryClient()
  const [text, setText] = useState('')
  const [applied, setApplied] = useState('')
  const typing = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(typing.current), [])
  const { data: places, error } = useQuery({ ...searchQuery(runId, filter, applied), enabled: applied !== '' })
  const go = (among: readonly number[], from: number, direction: 'next' | 'previous') => {
    const found = neighbourMatch(among, from, direction)
    if (found !== undefined) goTo(found)
  }
  const apply = (wanted: string) => {
    setApplied(wanted)
    const timer = typing.current
    if (wanted === '') return
    const leadThere = (found: readonly number[]) => {
      if (typing.current === timer) go(found, place - 1, 'next')
    }
    // A failure is shown beside the field.
    client.fetchQuery(searchQuery(runId, filter, wanted)).then(leadThere, () => undefined)
  }
  return {
    text,
    applied,
    onText(next: string) {
      setText(next)
      clearTimeout(typing.current)
      const wanted = next.trim()
      if (wanted === '') apply(wanted)
      else typing.current = setTimeout(() => apply(wanted), typingPauseMs)
    },
    onGo: (direction: 'next' | 'previous') => go(places ?? [], place, direction),
    hasMatches: (places?.length ?? 0) > 0,
    countText: error === null ? countText(applied, places, place) : 'The search failed',
  }
}

function countText(applied: string, places: readonly number[] | undefined, place: number): string {
  if (applied === '') return ''
  if (places === undefined) return 'Searching'
  if (places.length === 0) return 'No match'
  const index = places.indexOf(place)
  const count = `${formatCount(places.length)} ${places.length === 1 ? 'match' : 'matches'}`
  return index === -1 ? count : `${formatCount(index + 1)} of ${count}`
}
