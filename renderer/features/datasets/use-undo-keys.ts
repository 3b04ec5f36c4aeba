import { useEffect, useRef } from 'react'

interface UndoKeys {
  readonly undo: () => unknown
  readonly redo: () => unknown
}

/** The platform's undo keys for changes of the dataset; in a text field they keep their own meaning. */
export function useUndoKeys(keys: UndoKeys): void {
  const latest = useRef(keys)
  useEffect(() => {
    latest.current = keys
  })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const hasModifier = (event.ctrlKey || event.metaKey) && !event.altKey
      const isTyping =
        event.target instanceof Element && event.target.closest('input:not([type="checkbox"]), textarea, [role="dialog"]') !== null
      const key = event.key.toLowerCase()
      if (!hasModifier || isTyping || (key !== 'z' && key !== 'y')) return
      event.preventDefault()
      if (key === 'y' || event.shiftKey) latest.current.redo()
      else latest.current.undo()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [])
}
