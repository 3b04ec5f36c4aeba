import { redact, redactText } from './redaction.ts'

export type LogLevel = 'debug' | 'info' | 'warning' | 'error'

/** Where finished, redacted log lines go. */
export type LogSink = (line: { level: LogLevel; scope: string; message: string; details?: unknown }) => void

/** The app's logger; every word passes the redaction first. */
export interface Log {
  debug(message: string, details?: unknown): void
  info(message: string, details?: unknown): void
  warning(message: string, details?: unknown): void
  error(message: string, details?: unknown): void
  /** A logger for one part of the app. */
  scoped(scope: string): Log
}

/** Builds a logger over any sink (the file in the app, an array in tests). */
export function createLog(sink: LogSink, scope = 'app'): Log {
  const write = (level: LogLevel) => (message: string, details?: unknown) =>
    sink({ level, scope, message: redactText(message), ...(details === undefined ? {} : { details: redact(details) }) })
  return {
    debug: write('debug'),
    info: write('info'),
    warning: write('warning'),
    error: write('error'),
    scoped: (name) => createLog(sink, name),
  }
}

/** A logger that keeps nothing, for code that runs without an app. */
export const silentLog: Log = createLog(() => undefined)
