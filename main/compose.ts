import type { RouteOutput } from '../preload/contract/contract.ts'
import type { EventHub, SendToWindow } from './ipc/events.ts'
import type { Dispatch } from './ipc/router.ts'

/** What the core may ask of the desktop; `main/shell` binds it to Electron, tests to plain functions. */
export interface ShellPorts {
  pickDatasetFile(windowId: number): Promise<string | null>
  pickModelFolder(windowId: number): Promise<string | null>
  pickTargetFolder(windowId: number, title: string): Promise<string | null>
  pickTargetFile(windowId: number, title: string, defaultName: string, extension: string): Promise<string | null>
  readonly sendToWindow: SendToWindow
  startDrag(windowId: number, path: string): void
  reveal(path: string): void
  openFolder(path: string): Promise<void>
  openExternal(url: string): Promise<void>
  trash(path: string): Promise<void>
  copyText(text: string): void
  showOsNotification(notice: { title: string; message: string; onClick: () => void }): void
  applyTheme(theme: 'system' | 'light' | 'dark'): void
  lastLogLines(): string
  versions(): Omit<RouteOutput<'settings.appInfo'>, 'dataFolder' | 'logFile' | 'databaseVersion'>
}

/** The running core: what the shell connects to windows. */
export interface Core {
  readonly dispatch: Dispatch
  readonly hub: EventHub
  /** Recovers interrupted work and goes on with it. */
  start(): Promise<void>
  dispose(): Promise<void>
}
