import type { LogFilter } from '../../../../preload/contract/run-log.ts'
import type { RunLogLine } from '../../../../preload/contract/runs.ts'
import type { SqliteDatabase } from '../../../db/open.ts'
import type { MarkedLine } from './known-lines.ts'

/** A line of a worker's log on its way into `run_log`; without a worker's id it is one of this computer's worker. */
export interface NewWorkerLine {
  readonly atMs: number
  readonly level: RunLogLine['level']
  readonly message: string
  readonly workerId: string | null
  readonly mark: string | null
}

export type RunLogRepository = ReturnType<typeof createRunLogRepository>

/** Rows of `run_log` as they are read, and those of the worker as they are written; no rules. */
export function createRunLogRepository(db: SqliteDatabase) {
  const statements = prepare(db)
  const add = (runId: string, line: NewWorkerLine): RunLogLine => {
    const { lastInsertRowid } = statements.add.run({ runId, ...line })
    return { id: Number(lastInsertRowid), atMs: line.atMs, level: line.level, source: 'worker', message: line.message }
  }
  return {
    /** Lines in the order of time. */
    list: (runId: string, filter: LogFilter, offset: number, limit: number) =>
      statements.list.all({ runId, ...narrowedBy(filter), offset, limit }) as RunLogLine[],
    countFiltered: (runId: string, filter: LogFilter) => statements.countFiltered.pluck().get({ runId, ...narrowedBy(filter) }) as number,
    addAll: db.transaction((runId: string, lines: readonly NewWorkerLine[]): RunLogLine[] => lines.map((line) => add(runId, line))),
    /** The newest lines kept of a worker, of whatever run. */
    listKnown: (workerId: string, limit: number) => statements.listKnown.all(workerId, limit) as MarkedLine[],
    count: (runId: string) => statements.count.pluck().get(runId) as number,
    hasMessage: (runId: string, message: string): boolean => statements.hasMessage.get(runId, message) !== undefined,
    /** Removes a run's oldest worker lines; the last of them becomes a line that says so. */
    dropOldest: db.transaction((runId: string, count: number, textFor: (dropped: number) => string) => {
      const last = statements.nthOldest.get(runId, count - 1) as { id: number; atMs: number } | undefined
      if (last === undefined) return
      const mark = statements.findDropMark.pluck().get(runId) as string | undefined
      const dropped = count + Number(mark?.slice(dropPrefix.length) ?? 0)
      statements.deleteDropMark.run(runId)
      statements.deleteBefore.run({ runId, ...last })
      statements.becomeDropMark.run({ id: last.id, mark: `${dropPrefix}${dropped}`, message: textFor(dropped) })
    }),
  }
}

const dropPrefix = 'dropped:'
const levels = ['debug', 'info', 'warning', 'error'] as const

function narrowedBy({ source, level }: LogFilter) {
  return { source, levels: levels.slice(levels.indexOf(level)).join(' ') }
}

function prepare(db: SqliteDatabase) {
  const dropMark = `run_id = ? AND source = 'app' AND worker_mark LIKE '${dropPrefix}%'`
  const narrowed = "run_id = @runId AND (@source = 'all' OR source = @source) AND instr(@levels, level) > 0"
  return {
    // The inner part needs nothing but the index, so that a far page costs no more than a near one.
    list: db.prepare(`SELECT l.id, l.at_ms AS atMs, l.level, l.source, l.message
      FROM (SELECT id FROM run_log WHERE ${narrowed} ORDER BY at_ms, id LIMIT @limit OFFSET @offset) AS page
      JOIN run_log AS l ON l.id = page.id ORDER BY l.at_ms, l.id`),
    countFiltered: db.prepare(`SELECT count(*) FROM run_log WHERE ${narrowed}`),
    add: db.prepare(`INSERT INTO run_log (run_id, at_ms, level, source, message, worker_id, worker_mark)
      VALUES (@runId, @atMs, @level, 'worker', @message, @workerId, @mark)`),
    listKnown: db.prepare('SELECT worker_mark AS mark, message FROM run_log WHERE worker_id = ? ORDER BY id DESC LIMIT ?'),
    count: db.prepare("SELECT count(*) FROM run_log WHERE run_id = ? AND source = 'worker'"),
    hasMessage: db.prepare("SELECT 1 FROM run_log WHERE run_id = ? AND source = 'app' AND message = ?"),
    nthOldest: db.prepare(
      "SELECT id, at_ms AS atMs FROM run_log WHERE run_id = ? AND source = 'worker' ORDER BY at_ms, id LIMIT 1 OFFSET ?",
    ),
    findDropMark: db.prepare(`SELECT worker_mark FROM run_log WHERE ${dropMark}`),
    deleteDropMark: db.prepare(`DELETE FROM run_log WHERE ${dropMark}`),
    deleteBefore: db.prepare("DELETE FROM run_log WHERE run_id = @runId AND source = 'worker' AND (at_ms, id) < (@atMs, @id)"),
    becomeDropMark: db.prepare(
      "UPDATE run_log SET source = 'app', level = 'info', message = @message, worker_id = NULL, worker_mark = @mark WHERE id = @id",
    ),
  }
}
