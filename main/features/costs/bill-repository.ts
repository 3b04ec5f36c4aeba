import { z } from 'zod'
import type { SqliteDatabase } from '../../db/open.ts'
import type { Span } from './calendar.ts'
import type { BillLine } from './ports.ts'

export type BillRepository = ReturnType<typeof createBillRepository>

const lineSchema = z
  .object({
    subject: z.enum(['endpoint', 'volume']),
    remote_id: z.string(),
    name: z.string().nullable(),
    start_ms: z.int(),
    end_ms: z.int(),
    amount_micro_usd: z.int(),
  })
  .transform((row) => ({
    subject: row.subject,
    remoteId: row.remote_id,
    name: row.name ?? row.remote_id,
    fromMs: row.start_ms,
    toMs: row.end_ms,
    amountMicroUsd: row.amount_micro_usd,
  }))

const checkSchema = z
  .object({
    subject: z.enum(['endpoint', 'volume']),
    remote_id: z.string(),
    name: z.string(),
    read_from_ms: z.int().nullable(),
    read_at_ms: z.int().nullable(),
    tried_at_ms: z.int(),
    problem_code: z.string().nullable(),
    problem: z.string().nullable(),
  })
  .transform((row) => ({
    subject: row.subject,
    remoteId: row.remote_id,
    name: row.name,
    readFromMs: row.read_from_ms,
    readAtMs: row.read_at_ms,
    triedAtMs: row.tried_at_ms,
    problem: row.problem_code === null ? null : { code: row.problem_code, message: row.problem ?? '' },
  }))

/** When a bill was last asked for, and how that went. */
export type StoredBillCheck = z.output<typeof checkSchema>

/** All SQL of RunPod's bill; no rules. */
export function createBillRepository(database: SqliteDatabase) {
  const clear = database.prepare(
    'DELETE FROM bill_line WHERE subject = @subject AND remote_id = @remoteId AND start_ms < @toMs AND end_ms > @fromMs',
  )
  const insert = database.prepare(
    `INSERT INTO bill_line (subject, remote_id, start_ms, end_ms, amount_micro_usd, read_at_ms)
     VALUES (@subject, @remoteId, @fromMs, @toMs, @amountMicroUsd, @atMs)`,
  )
  const saveCheck = database.prepare(
    `INSERT INTO bill_check (subject, remote_id, name, read_from_ms, read_at_ms, tried_at_ms, problem_code, problem)
     VALUES (@subject, @remoteId, @name, @readFromMs, @readAtMs, @triedAtMs, @problemCode, @problem)
     ON CONFLICT (subject, remote_id) DO UPDATE SET name = excluded.name,
       read_from_ms = coalesce(min(read_from_ms, excluded.read_from_ms), excluded.read_from_ms, read_from_ms), read_at_ms = coalesce(excluded.read_at_ms, read_at_ms),
       tried_at_ms = excluded.tried_at_ms, problem_code = excluded.problem_code, problem = excluded.problem`,
  )
  const lines = database.prepare(
    `SELECT l.subject, l.remote_id, c.name, l.start_ms, l.end_ms, l.amount_micro_usd
     FROM bill_line l LEFT JOIN bill_check c ON c.subject = l.subject AND c.remote_id = l.remote_id
     WHERE (@fromMs IS NULL OR l.end_ms > @fromMs) AND (@toMs IS NULL OR l.start_ms < @toMs) ORDER BY l.start_ms`,
  )
  const checks = database.prepare('SELECT * FROM bill_check ORDER BY subject, name, remote_id')
  interface Subject {
    readonly subject: 'endpoint' | 'volume'
    readonly remoteId: string
    readonly name: string
  }
  const saveRead = database.transaction(
    ({ subject, remoteId, name }: Subject, read: readonly BillLine[], { fromMs: readFromMs, toMs: atMs }: Span) => {
      for (const line of read) {
        // A line that reaches over others replaces them: the same seconds are never on the bill twice.
        clear.run({ subject, remoteId, fromMs: line.fromMs, toMs: line.toMs })
        // Most hours cost nothing and need no line to say so.
        if (line.amountMicroUsd !== 0) insert.run({ subject, remoteId, ...line, atMs })
      }
      saveCheck.run({ subject, remoteId, name, readFromMs, readAtMs: atMs, triedAtMs: atMs, problemCode: null, problem: null })
    },
  )
  return {
    /** Keeps what was read; a line that was read before is replaced. */
    saveRead: (subject: Subject, read: readonly BillLine[], asked: Span): void => saveRead(subject, read, asked),
    saveProblem: ({ subject, remoteId, name }: Subject, problem: { code: string; message: string }, atMs: number): void =>
      void saveCheck.run({
        subject,
        remoteId,
        name,
        readFromMs: null,
        readAtMs: null,
        triedAtMs: atMs,
        problemCode: problem.code,
        problem: problem.message,
      }),
    listLines: (fromMs: number | null, toMs: number | null) => lines.all({ fromMs, toMs }).map((row) => lineSchema.parse(row)),
    listChecks: (): readonly StoredBillCheck[] => checks.all().map((row) => checkSchema.parse(row)),
  }
}
