import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import { redactText } from '../../../lib/redaction.ts'

const longestLine = 4_000
/** Colours and cursor moves. */
const terminalPattern = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;?]*[A-Za-z]`, 'g')
const controlPattern = /(?!\t)\p{Cc}/gu

/** A worker's line as it is kept: what a terminal would show at last, without secrets and not endlessly long. */
export function keptText(text: string): string {
  const plain = text.replaceAll(terminalPattern, '').trimEnd()
  // Progress bars write over themselves.
  const shown = (plain.split('\r').at(-1) ?? '').replaceAll(controlPattern, '')
  const redacted = redactText(shown)
  return redacted.length <= longestLine ? redacted : `${redacted.slice(0, longestLine)}…`
}

const levelWords: readonly [RegExp, RunLogLine['level']][] = [
  [/^(?:ERROR|CRITICAL|FATAL)$/i, 'error'],
  [/^WARN(?:ING)?$/i, 'warning'],
  [/^DEBUG$/i, 'debug'],
  [/^INFO$/i, 'info'],
]
const jsonLevel = /"level(?:name)?"\s*:\s*"([A-Za-z]+)"/
const leadingLevel = /^(?:\S+\s+){0,3}?[[(]?(DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\b/
const failurePattern = /^Traceback \(most recent call last\)|^(?:[A-Za-z_][\w.]*)?(?:Error|Exception): /

/** How grave a worker's line says it is; one that says nothing is information. */
export function levelOf(text: string): RunLogLine['level'] {
  if (failurePattern.test(text)) return 'error'
  const word = (jsonLevel.exec(text) ?? leadingLevel.exec(text))?.[1] ?? ''
  return levelWords.find(([pattern]) => pattern.test(word))?.[1] ?? 'info'
}
