import { z } from 'zod'
import { redactText } from '../../lib/redaction.ts'

/** One line a worker printed, without secrets. */
export interface WorkerLogLine {
  readonly level: 'debug' | 'info' | 'warning' | 'error'
  readonly message: string
  readonly jobId: string | null
}

const sdkLineSchema = z.object({ requestId: z.string().nullish(), message: z.string(), level: z.string() })
const longestMessage = 4_000

/** Reads the SDK's JSON lines and plain output alike; `token` is blanked wherever it stands. */
export function readWorkerLine(line: string, token: string): WorkerLogLine {
  const clean = (text: string) => redactText(text.replaceAll(token, '[redacted]')).slice(0, longestMessage)
  const parsed = line.startsWith('{') ? sdkLineSchema.safeParse(parseJson(line)) : undefined
  if (parsed?.success !== true) return { level: 'info', message: clean(line), jobId: null }
  const { message, level, requestId } = parsed.data
  return { level: levelOf(level), message: clean(message), jobId: requestId ?? null }
}

function levelOf(level: string): WorkerLogLine['level'] {
  switch (level) {
    case 'ERROR':
      return 'error'
    case 'WARN':
      return 'warning'
    case 'DEBUG':
    case 'TRACE':
      return 'debug'
    default:
      return 'info'
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A line that only looks like JSON is shown as it is.
    return undefined
  }
}
