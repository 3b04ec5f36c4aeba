import { useSyncExternalStore } from 'react'

/** A text that changes with the theme, so that canvases are redrawn in its colours. */
export function useThemeKey(): string {
  return useSyncExternalStore(subscribe, readThemeKey)
}

function subscribe(onChange: () => void): () => void {
  const observer = new MutationObserver(onChange)
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['class', 'data-theme', 'style'] })
  const dark = matchMedia('(prefers-color-scheme: dark)')
  dark.addEventListener('change', onChange)
  return () => {
    observer.disconnect()
    dark.removeEventListener('change', onChange)
  }
}

function readThemeKey(): string {
  const root = document.documentElement
  return `${root.className} ${root.dataset['theme'] ?? ''} ${matchMedia('(prefers-color-scheme: dark)').matches}`
}
