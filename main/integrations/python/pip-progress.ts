/** What the user sees of an installation. */
export interface PipProgress {
  readonly message: string
  /** Share of the current download, 0–1; null when it has no measure. */
  readonly progress: number | null
}

/** Follows pip's output with `--progress-bar raw`; gives a new state when a line says something of use. */
export function createPipReader(): (line: string) => PipProgress | undefined {
  let file = 'packages'
  return (line) => {
    const text = line.trim()
    const bytes = /^Progress (\d+) of (\d+)$/.exec(text)
    if (bytes !== null) {
      const done = Number(bytes[1])
      const total = Number(bytes[2])
      if (total === 0) return undefined
      return { message: `Downloading ${file}: ${megabytes(done)} of ${megabytes(total)} MB`, progress: Math.min(1, done / total) }
    }
    const download = /^(?:Downloading|Using cached) (?:\S*\/)?([^\s/]+)/.exec(text)
    if (download !== null) {
      file = packageOf(download[1] ?? '')
      return { message: `Downloading ${file}`, progress: null }
    }
    const collecting = /^Collecting ([A-Za-z0-9._-]+)/.exec(text)
    if (collecting !== null) return { message: `Looking up ${collecting[1]}`, progress: null }
    if (text.startsWith('Installing collected packages')) return { message: 'Installing the packages', progress: null }
    return undefined
  }
}

/** The line of pip's output that explains a failure, without addresses. */
export function pipFailure(lines: readonly string[]): string {
  const reason =
    lines.findLast((line) => line.startsWith('ERROR: ')) ?? lines.findLast((line) => line.trim() !== '') ?? 'no reason was given'
  return reason
    .replace(/^ERROR: /, '')
    .replace(/https?:\/\/\S+/g, 'the package index')
    .slice(0, 300)
}

/** What to do about a failed installation, from the words pip uses. */
export function pipAdvice(lines: readonly string[]): string {
  const text = lines.join('\n')
  if (/No space left on device|ENOSPC|Errno 28/.test(text)) return 'Free at least 6 GB of disk space, then set up again.'
  if (/No matching distribution|Could not find a version/.test(text)) {
    return 'This Python may be too new or too old for the packages. Install Python 3.11 or 3.12, then set up again.'
  }
  if (/ConnectionError|NewConnectionError|Temporary failure|timed out|Retrying|SSLError|ProxyError/.test(text)) {
    return 'Check the network connection and any proxy, then set up again. What was downloaded is kept.'
  }
  return 'Set up again. If it fails once more, the log file has the whole output.'
}

function packageOf(fileName: string): string {
  return fileName.split('-')[0] ?? fileName
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)
}
