import { useRef, useState, type PointerEvent } from 'react'

/** A row on its way: which one, and the place it would take. */
export interface Drag {
  readonly id: string
  readonly toIndex: number
}

/** Lets rows be moved with the pointer; `onDrop` is called once, with the place where the row was let go. */
export function useDragOrder(ids: readonly string[], onDrop: (id: string, toIndex: number) => void) {
  const [drag, setDrag] = useState<Drag | null>(null)
  const list = useRef<HTMLOListElement>(null)

  const placeAt = (y: number, id: string): number => {
    const rows = [...(list.current?.children ?? [])]
    // The row goes before the first other one whose middle lies below the pointer.
    const others = rows.filter((_, index) => ids[index] !== id)
    const before = others.findIndex((row) => {
      const { top, height } = row.getBoundingClientRect()
      return y < top + height / 2
    })
    return before === -1 ? others.length : before
  }

  const handle = (id: string) => ({
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0) return
      event.currentTarget.setPointerCapture(event.pointerId)
      setDrag({ id, toIndex: ids.indexOf(id) })
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      if (drag?.id === id) setDrag({ id, toIndex: placeAt(event.clientY, id) })
    },
    onPointerUp(event: PointerEvent<HTMLElement>) {
      if (drag?.id !== id) return
      const toIndex = placeAt(event.clientY, id)
      setDrag(null)
      if (toIndex !== ids.indexOf(id)) onDrop(id, toIndex)
    },
    onPointerCancel: () => setDrag(null),
  })
  return { drag, list, handle }
}

/** Where the line that shows the place of a row on its way is drawn. */
export function dropMark(drag: Drag | null, ids: readonly string[], index: number): 'before' | 'after' | undefined {
  if (drag === null) return undefined
  const from = ids.indexOf(drag.id)
  if (drag.toIndex === from || index !== drag.toIndex) return undefined
  return drag.toIndex < from ? 'before' : 'after'
}
