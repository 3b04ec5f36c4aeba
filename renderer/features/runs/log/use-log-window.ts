import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from 'react'

/** Every line has this height; the style sheet says the same. */
export const lineHeight = 20
const overscan = 12
const nearEndPx = lineHeight

/** The part of the log that is drawn. */
export interface LogWindow {
  /** First and last line drawn, a few more than can be seen. */
  readonly first: number
  readonly last: number
  readonly firstInSight: number
  readonly perPage: number
  onScroll(): void
  /** Scrolls as little as brings the line in sight. */
  show(place: number): void
}

/** Draws the part of the log that is in sight, and keeps to its end while following. */
export function useLogWindow(
  total: number,
  isFollowing: boolean,
  onFollow: (isFollowing: boolean) => void,
): readonly [RefObject<HTMLDivElement | null>, LogWindow] {
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 0 })
  const measure = useCallback(() => {
    const element = box.current
    if (element !== null) setView({ top: element.scrollTop, height: element.clientHeight })
  }, [])
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return undefined
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [measure])
  const endTop = Math.max(0, total * lineHeight - view.height)
  useLayoutEffect(() => {
    if (isFollowing && box.current !== null) box.current.scrollTop = endTop
  }, [isFollowing, endTop])

  // While following, the place is known before the scroll event tells it.
  const top = isFollowing ? endTop : view.top
  const seen = Math.max(1, Math.floor(view.height / lineHeight))
  const first = Math.max(0, Math.floor(top / lineHeight) - overscan)
  const list: LogWindow = {
    first,
    last: Math.min(total - 1, Math.floor((top + view.height) / lineHeight) + overscan),
    firstInSight: Math.ceil(top / lineHeight),
    perPage: Math.max(1, seen - 1),
    onScroll() {
      const element = box.current
      if (element === null) return
      const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < nearEndPx
      if (isAtEnd !== isFollowing) onFollow(isAtEnd)
      measure()
    },
    show(place) {
      const element = box.current
      if (element === null) return
      const top = place * lineHeight
      if (top < element.scrollTop) element.scrollTop = top
      else if (top + lineHeight > element.scrollTop + element.clientHeight) element.scrollTop = top + lineHeight - element.clientHeight
      measure()
    },
  }
  return [box, list]
}
