import type { RouteOutput, RouteParsed } from '../../../../preload/contract/contract.ts'
import type { LogFilter } from '../../../../preload/contract/run-log.ts'
import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import { writeFileAtomically } from '../../../lib/atomic-file.ts'
import { writtenLine } from './log-file.ts'
import type { RunLogRepository } from './repository.ts'

interface ReaderDependencies {
  readonly repository: Pick<RunLogRepository, 'list' | 'countFiltered'>
  /** Throws for a run that is not there. */
  readonly assertThere: (runId: string) => void
  /** The name of a run as part of a file's name. */
  readonly fileNameOf: (runId: string) => string
  readonly pickLogPath: (windowId: number, defaultName: string, extension: string) => Promise<string | null>
  readonly copyText: (text: string) => void
}

/** Lines looked at in one go; the windows get a turn in between. */
const linesPerTurn = 1_000
const extensions = { text: 'log', jsonl: 'jsonl' } as const

/** Reads the log of a run for the windows: by page, by text, for the clipboard and for a file. */
export function createRunLogReader({ repository, assertThere, fileNameOf, pickLogPath, copyText }: ReaderDependencies) {
  async function* chunks(runId: string, filter: LogFilter, first = 0, end = Number.POSITIVE_INFINITY): AsyncGenerator<RunLogLine[]> {
    for (let offset = first; offset < end; offset += linesPerTurn) {
      const lines = repository.list(runId, filter, offset, Math.min(linesPerTurn, end - offset))
      yield lines
      if (lines.length < linesPerTurn) return
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }
  return {
    list({ id, filter, offset, limit }: RouteParsed<'runs.listLog'>): RouteOutput<'runs.listLog'> {
      assertThere(id)
      return { total: repository.countFiltered(id, filter), lines: repository.list(id, filter, offset, limit) }
    },
    async search({ id, filter, text }: RouteParsed<'runs.searchLog'>): Promise<RouteOutput<'runs.searchLog'>> {
      assertThere(id)
      const wanted = text.toLowerCase()
      const places: number[] = []
      let place = 0
      for await (const lines of chunks(id, filter)) {
        for (const { message } of lines) {
          if (message.toLowerCase().includes(wanted)) places.push(place)
          place += 1
        }
      }
      return { places }
    },
    async copy({ id, filter, first, last }: RouteParsed<'runs.copyLog'>): Promise<RouteOutput<'runs.copyLog'>> {
      assertThere(id)
      const written: string[] = []
      for await (const lines of chunks(id, filter, first, last + 1)) written.push(...lines.map((line) => writtenLine(line, 'text')))
      copyText(written.join(''))
      return { done: true }
    },
    async export({ id, filter, format }: RouteParsed<'runs.exportLog'>, windowId: number): Promise<RouteOutput<'runs.exportLog'>> {
      const extension = extensions[format]
      const path = await pickLogPath(windowId, `${fileNameOf(id)}.${extension}`, extension)
      if (path === null) return null
      const written: string[] = []
      for await (const lines of chunks(id, filter)) written.push(lines.map((line) => writtenLine(line, format)).join(''))
      await writeFileAtomically(path, written.join(''))
      return { path }
    },
  }
}
