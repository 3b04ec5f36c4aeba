import { z } from 'zod'
import type { SqliteDatabase } from '../../db/open.ts'

const rowSchema = z.object({ key: z.string(), value_json: z.string() })

export type SettingsRepository = ReturnType<typeof createSettingsRepository>

/** All SQL of the settings; values are JSON text, judged by the service. */
export function createSettingsRepository(database: SqliteDatabase) {
  const list = database.prepare('SELECT key, value_json FROM setting')
  const save = database.prepare(
    `INSERT INTO setting (key, value_json, updated_at_ms) VALUES (?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET value_json = excluded.value_json, updated_at_ms = excluded.updated_at_ms`,
  )
  const saveAll = database.transaction((values: Readonly<Record<string, unknown>>, atMs: number) => {
    for (const [key, value] of Object.entries(values)) save.run(key, JSON.stringify(value), atMs)
  })
  return {
    /** Stored JSON text by key. */
    list: (): ReadonlyMap<string, string> =>
      new Map(
        list
          .all()
          .map((row) => rowSchema.parse(row))
          .map((row) => [row.key, row.value_json]),
      ),
    save: (values: Readonly<Record<string, unknown>>, atMs: number): void => saveAll(values, atMs),
  }
}
