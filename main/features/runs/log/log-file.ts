import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import { redactText } from '../../../lib/redaction.ts'

/** How a line stands in an exported file. */
export type LogFormat = 'text' | 'jsonl'

/** One line as it leaves the app: in UTC, without secrets, and one line of the file also where the message has several. */
export function writtenLine({ atMs, level, source, message }: RunLogLine, format: LogFormat): string {
  const time = new Date(atMs).toISOString()
  const text = redactText(message)
  if (format === 'jsonl') return `${JSON.stringify({ time, level, source, message: text })}\n`
  return `${time} ${level.toUpperCase().padEnd(7)} ${source.padEnd(7)} ${text.replaceAll(/\r?\n/g, '\n    ')}\n`
}
