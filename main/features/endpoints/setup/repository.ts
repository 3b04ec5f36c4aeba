import type { SqliteDatabase } from '../../../db/open.ts'
import { setupStateSchema, type SetupState } from './state.ts'

export type SetupRepository = ReturnType<typeof createSetupRepository>

/** Set-ups of endpoints, one row each; those of which nothing is left are kept and not listed. No rules. */
export function createSetupRepository(db: SqliteDatabase) {
  const list = db.prepare('SELECT state_json FROM endpoint_setup WHERE ended_at_ms IS NULL ORDER BY created_at_ms, id').pluck()
  const find = db.prepare('SELECT state_json FROM endpoint_setup WHERE id = ?').pluck()
  const write = db.prepare(
    `INSERT INTO endpoint_setup (id, state_json, created_at_ms) VALUES (@id, @json, @createdAtMs)
     ON CONFLICT (id) DO UPDATE SET state_json = excluded.state_json`,
  )
  const end = db.prepare('UPDATE endpoint_setup SET ended_at_ms = ? WHERE id = ?')
  const parse = (text: unknown) => setupStateSchema.parse(JSON.parse(String(text)))
  return {
    list: (): readonly SetupState[] => list.all().map(parse),
    find(id: string): SetupState | undefined {
      const text = find.get(id)
      return text === undefined ? undefined : parse(text)
    },
    write: (state: SetupState) => void write.run({ id: state.id, json: JSON.stringify(state), createdAtMs: state.createdAtMs }),
    end: (id: string, nowMs: number) => void end.run(nowMs, id),
  }
}
