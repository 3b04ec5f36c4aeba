import { readFileSync } from 'node:fs'
import electronLog from 'electron-log/node'
import type { LogSink } from '../lib/log.ts'

const maxLogBytes = 5 * 1024 * 1024
const diagnosticLines = 200

/** Writes log lines to one rotating file, synchronously, so that the last words before a crash are there. */
export function createLogFile(path: string, alsoConsole: boolean): { sink: LogSink; lastLines(): string } {
  const logger = electronLog.create({ logId: 'tunesmith' })
  logger.transports.file.resolvePathFn = () => path
  logger.transports.file.maxSize = maxLogBytes
  logger.transports.file.sync = true
  logger.transports.file.format = '{iso} {level} {text}'
  logger.transports.console.level = alsoConsole ? 'info' : false
  return {
    sink(line) {
      const text = `[${line.scope}] ${line.message}`
      const parts = line.details === undefined ? [text] : [text, JSON.stringify(line.details)]
      if (line.level === 'error') logger.error(...parts)
      else if (line.level === 'warning') logger.warn(...parts)
      else if (line.level === 'info') logger.info(...parts)
      else logger.debug(...parts)
    },
    lastLines() {
      try {
        return readFileSync(path, 'utf8').split('\n').slice(-diagnosticLines).join('\n')
      } catch {
        return ''
      }
    },
  }
}
