import Database from 'better-sqlite3'
import { AppError } from '../../preload/contract/errors.ts'

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
  try {
    setPragmas(database, isReadOnly)
  } catch (error) {
    database.close()
    throw isDamage(error) ? damaged(path, error) : error
  }
  return database
}

function setPragmas(database: SqliteDatabase, isReadOnly: boolean): void {
  database.pragma('busy_timeout = 5000')
  database.pragma('foreign_keys = ON')
  if (isReadOnly) return
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
}

function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && (error.code.startsWith('SQLITE_NOTADB') || error.code.startsWith('SQLITE_CORRUPT'))
}

function damaged(path: string, cause: unknown): AppError {
  const message = 'The data file is damaged and cannot be opened. Nothing was changed; put a copy from the backups folder in its place.'
  return new AppError('DATABASE_DAMAGED', message, { details: { path }, cause })
}
