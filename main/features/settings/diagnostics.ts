import type { AppInfo } from '../../../preload/contract/settings.ts'
import { redactText } from '../../lib/redaction.ts'

/** Versions and the last log lines as text for a report; secrets are taken out. */
export function diagnosticsText(info: AppInfo, lastLogLines: string): string {
  const facts: readonly (readonly [string, string])[] = [
    ['Tunesmith', `${info.version}${info.isPackaged ? '' : ' (development)'}`],
    ['Electron', info.electron],
    ['Chrome', info.chrome],
    ['Node', info.node],
    ['Platform', info.platform],
    ['Data folder', info.dataFolder],
    ['Log file', info.logFile],
    ['Data version', String(info.databaseVersion)],
  ]
  const head = facts.map(([name, value]) => `${name}: ${value}`).join('\n')
  return redactText(`${head}\n\nLast log lines\n${lastLogLines}`)
}
