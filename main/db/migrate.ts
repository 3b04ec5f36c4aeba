import { AppError } from '../../preload/contract/errors.ts'
import type { SqliteDatabase } from './open.ts'

/** One numbered step; versions are 1, 2, 3 … without gaps. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

export interface MigrationReport {
  readonly fromVersion: number
  readonly toVersion: number
  readonly backupPath: string | null
}

/**
 * Brings a database to the newest version: backup first, each step in one transaction with a foreign-key check.
 * Throws DATABASE_TOO_NEW for a database written by a later version of the app.
 */
export function migrate(
  database: SqliteDatabase,
  migrations: readonly Migration[],
  backupPathFor: (version: number) => string | null,
): MigrationReport {
  assertNumbered(migrations)
  const fromVersion = Number(database.pragma('user_version', { simple: true }))
  const newest = migrations.length
  if (fromVersion > newest) {
    throw new AppError(
      'DATABASE_TOO_NEW',
      `This data was written by a newer Tunesmith (data version ${fromVersion}, this app knows ${newest}). Install the newer version; nothing was changed.`,
    )
  }
  if (fromVersion === newest) return { fromVersion, toVersion: newest, backupPath: null }
  const backupPath = fromVersion === 0 ? null : backupPathFor(fromVersion)
  if (backupPath !== null) database.prepare('VACUUM INTO ?').run(backupPath)

  // A no-op inside a transaction, so it is switched here: table rebuilds must not cascade deletes.
  database.pragma('foreign_keys = OFF')
  try {
    for (const migration of migrations.slice(fromVersion)) applyOne(database, migration)
  } finally {
    database.pragma('foreign_keys = ON')
  }
  return { fromVersion, toVersion: newest, backupPath }
}

function applyOne(database: SqliteDatabase, migration: Migration): void {
  database
    .transaction(() => {
      database.exec(migration.sql)
      const violations = database.pragma('foreign_key_check') as unknown[]
      if (violations.length > 0) {
        throw new AppError(
          'DATABASE_DAMAGED',
          `Migration ${migration.name} would leave ${violations.length} rows without their parent. Nothing was changed.`,
        )
      }
      database.pragma(`user_version = ${migration.version}`)
    })
    .immediate()
}

function assertNumbered(migrations: readonly Migration[]): void {
  migrations.forEach((migration, index) => {
    if (migration.version !== index + 1) throw new Error(`Migration ${migration.name} must be number ${index + 1}`)
  })
}
