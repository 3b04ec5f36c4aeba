import { isAppUrl } from './app-url.ts'

/** The slice of a sender that the gate looks at. */
export interface SenderFacts {
  readonly frameUrl: string | undefined
  readonly isTopFrame: boolean
  readonly windowId: number
}

/** True only for the top frame of a known window that shows our own page (checklist item 17). */
export function isTrustedSender(sender: SenderFacts, knownWindows: ReadonlySet<number>): boolean {
  return sender.isTopFrame && sender.frameUrl !== undefined && isAppUrl(sender.frameUrl) && knownWindows.has(sender.windowId)
}
