import Database from 'better-sqlite3'

export type SqliteDatabase = Database.Database

export interface OpenOptions {
  readonly path: string
  readonly isReadOnly?: boolean
  /** Path of the native addon when the packaged one does not fit this runtime. */
  readonly nativeBinding?: string | undefined
}

/** Opens a connection with the app's pragmas: WAL, foreign keys, busy timeout. */
export function openDatabase({ path, isReadOnly = false, nativeBinding }: OpenOptions): SqliteDatabase {
  const database = new Database(path, {
    readonly: isReadOnly,
    ...(nativeBinding === undefined || nativeBinding === '' ? {} : { nativeBinding }),
  })
  database.pragma('busy_timeout = 5000')
  database.pragma('foreign_keys = ON')
  if (!isReadOnly) {
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
  }
  return database
}
