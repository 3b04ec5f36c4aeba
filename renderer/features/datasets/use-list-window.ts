import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import { clampOffset, isMapped, listHeight, offsetToShow, toOffset, toScrollTop, visibleRows } from './row-scroll.ts'

const overscan = 6
/** Rows keep their place within a block of this height, so that scrolling draws only rows that are new. */
const blockHeight = 8192
/** A scroll event this soon after a move of our own tells nothing new, and asking for its place would cost a layout. */
const ownScrollMs = 40

/** The part of a long list that is drawn. */
export interface ListWindow {
  /** First and last row drawn, a few more than can be seen. */
  readonly first: number
  readonly last: number
  /** Rows in sight. */
  readonly shown: { readonly first: number; readonly last: number }
  readonly height: number
  /** Where the block of drawn rows stands in the scrolled element. */
  readonly top: number
  /** Where a row stands in the block. */
  rowTop(row: number): number
  readonly rowsPerPage: number
  /** False until the height of the window is known. */
  readonly isMeasured: boolean
  show(row: number): void
}

/** Draws the window of a list of any length over the element that takes the first answer; rows all have the same height. */
export function useListWindow(
  total: number,
  rowHeight: number,
  headHeight: number,
): readonly [RefObject<HTMLDivElement | null>, ListWindow] {
  const scroller = useRef<HTMLDivElement>(null)
  const [viewHeight, setViewHeight] = useState(0)
  const [place, setPlace] = useState({ scrollTop: 0, offset: 0 })
  const list = { total, rowHeight, viewHeight }
  const latest = useRef({ list, place })
  const movedAtMs = useRef(0)
  useLayoutEffect(() => {
    latest.current = { list, place }
  })

  const moveTo = useCallback((wanted: number) => {
    const { list } = latest.current
    const offset = clampOffset(list, wanted)
    const next = { scrollTop: toScrollTop(list, offset), offset }
    latest.current = { list, place: next }
    movedAtMs.current = performance.now()
    if (scroller.current !== null) scroller.current.scrollTop = next.scrollTop
    setPlace(next)
  }, [])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return undefined
    const measure = () => setViewHeight(Math.max(0, element.clientHeight - headHeight))
    const onScroll = () => {
      if (performance.now() - movedAtMs.current < ownScrollMs) return
      const { list, place } = latest.current
      const { scrollTop } = element
      // Where this hook scrolled itself, the exact place is known better than the bar tells.
      if (Math.abs(scrollTop - place.scrollTop) >= 1) setPlace({ scrollTop, offset: toOffset(list, scrollTop) })
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', onScroll)
    }
  }, [headHeight])

  // On a mapped list the wheel would pass several rows per notch, so it moves the exact place instead.
  const isBarMapped = isMapped(list)
  useEffect(() => {
    const element = scroller.current
    if (element === null || !isBarMapped) return undefined
    const onWheel = (event: WheelEvent) => {
      if (event.deltaY === 0 || event.ctrlKey) return
      event.preventDefault()
      moveTo(latest.current.place.offset + event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? rowHeight : 1))
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => element.removeEventListener('wheel', onWheel)
  }, [isBarMapped, moveTo, rowHeight])

  const offset = clampOffset(list, place.offset)
  const shown = visibleRows(list, offset)
  const first = Math.max(0, shown.first - overscan)
  const block = Math.floor((first * rowHeight) / blockHeight) * blockHeight
  const window: ListWindow = {
    first,
    last: Math.min(total - 1, shown.last + overscan),
    shown,
    height: listHeight(list),
    top: isMapped(list) ? toScrollTop(list, offset) + block - offset : block,
    rowTop: (row) => row * rowHeight - block,
    rowsPerPage: Math.max(1, Math.floor(viewHeight / rowHeight) - 1),
    isMeasured: viewHeight > 0,
    show: (row) => moveTo(offsetToShow(latest.current.list, row, latest.current.place.offset)),
  }
  return [scroller, window]
}
