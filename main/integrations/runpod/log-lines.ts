import { redactText } from '../../lib/redaction.ts'
import type { WorkerLogLine } from './worker-logs.ts'

/** What the last lines of a worker's log speak of. */
export interface LogSigns {
  /** The worker's program started or its container was started again several times. */
  readonly isRestarting: boolean
  readonly hasCrash: boolean
  /** The image cannot be fetched at all. */
  readonly isImageRefused: boolean
  readonly isPulling: boolean
  readonly hasProgramLines: boolean
  readonly isOutOfSpace: boolean
}

const crashPattern =
  /Traceback \(most recent call last\)|exited with (?:code|status) [1-9]|exit code:? [1-9]|OOM-?killed|out of memory|back-?off|exec format error|executable file not found|failed to (?:create|start)|ModuleNotFoundError|ImportError|no kernel image|CUDA (?:error|driver)|unhealthy|fitness check|cannot open shared object|segmentation fault/i
const imageRefusedPattern =
  /manifest (?:for \S+ )?(?:unknown|not found)|pull access denied|repository does not exist|toomanyrequests|unauthorized: |denied: |no matching manifest|failed to pull|error pulling/i
const pullPattern = /\bpull(?:ing|ed| complete)?\b|still fetching|downloading|extracting|download complete|verifying checksum|image layer/i
const startPattern = /(?:start|create|restart)(?:ing|ed)? container|container (?:created|started|restarted)/i
const spacePattern = /no space left on device|disk quota exceeded/i
const restartsNeeded = 3
const mostLines = 8
const longestLine = 300
/** Colours and cursor moves. */
const terminalPattern = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;?]*[A-Za-z]`, 'g')

/** Reads the signs in a log tail. */
export function signsOf(lines: readonly WorkerLogLine[]): LogSigns {
  const system = lines.filter((line) => line.source === 'system')
  const has = (pattern: RegExp, among = lines) => among.some((line) => pattern.test(line.text))
  const lastPull = system.findLastIndex((line) => pullPattern.test(line.text))
  const lastStart = system.findLastIndex((line) => startPattern.test(line.text))
  return {
    isRestarting: system.filter((line) => startPattern.test(line.text)).length >= restartsNeeded,
    hasCrash: has(crashPattern),
    isImageRefused: has(imageRefusedPattern, system),
    isPulling: lastPull > lastStart,
    hasProgramLines: lines.some((line) => line.source === 'container'),
    isOutOfSpace: has(spacePattern),
  }
}

/** The lines that tell most: those that speak of a failure with the ones before them, else the last ones. */
export function tellingLines(lines: readonly WorkerLogLine[]): readonly string[] {
  const cleaned = lines.map((line) => ({ source: line.source, text: cleanLine(line.text) })).filter((line) => line.text !== '')
  const lastTelling = cleaned.findLastIndex(({ text }) =>
    [crashPattern, imageRefusedPattern, spacePattern].some((pattern) => pattern.test(text)),
  )
  // What follows the sign of a crash is usually its reason.
  const end = lastTelling === -1 ? cleaned.length : Math.min(cleaned.length, lastTelling + mostLines - 1)
  return cleaned.slice(Math.max(0, end - mostLines), end).map(({ source, text }) => `${source}: ${text}`)
}

function cleanLine(text: string): string {
  return redactText(
    text
      .replaceAll(terminalPattern, '')
      .replaceAll(/[\s\p{Cc}]+/gu, ' ')
      .trim(),
  ).slice(0, longestLine)
}
