const isMac = navigator.userAgent.includes('Mac')

/** How a shortcut with the platform's main modifier is written, e.g. `⌘K` or `Ctrl K`. */
export function shortcutText(key: string): string {
  return isMac ? `⌘${key}` : `Ctrl ${key}`
}

/** The key pressed together with the platform's main modifier alone; undefined for any other press. */
export function modifiedKey(event: KeyboardEvent): string | undefined {
  const hasModifier = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
  return hasModifier && !event.altKey && !event.shiftKey ? event.key.toLowerCase() : undefined
}
