import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { migrate, type Migration } from '../../../../main/db/migrate.ts'
import { migrations } from '../../../../main/db/migrations.ts'
import { openDatabase, type SqliteDatabase } from '../../../../main/db/open.ts'
import { createDatasetRepository } from '../../../../main/features/datasets/repository.ts'

const parent: Migration = {
  version: 1,
  name: '0001-parent',
  sql: 'CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE child (parent_id INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE) STRICT;',
}
const notes: Migration = { version: 2, name: '0002-notes', sql: 'CREATE TABLE note (text TEXT NOT NULL) STRICT;' }
const noBackup = () => null

let folder = ''
let database: SqliteDatabase
const version = () => Number(database.pragma('user_version', { simple: true }))
const tables = () => database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migrate-'))
  database = openDatabase({ path: join(folder, 'app.sqlite') })
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('migrate', () => {
  it('brings an empty database to the newest version and does nothing the second time', () => {
    expect(migrate(database, migrations, noBackup)).toEqual({ fromVersion: 0, toVersion: migrations.length, backupPath: null })
    expect(migrate(database, migrations, noBackup)).toEqual({
      fromVersion: migrations.length,
      toVersion: migrations.length,
      backupPath: null,
    })
    expect(tables()).toEqual(
      expect.arrayContaining(['adapter', 'cost_record', 'dataset', 'endpoint', 'metric', 'notification', 'run', 'run_event', 'setting']),
    )
  })

  it('every table is strict, so that a text never hides in a number column', () => {
    migrate(database, migrations, noBackup)
    const lax = database
      .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all()
    expect(lax).toEqual([])
  })

  it('a gap or a wrong order in the numbers is found before anything is touched', () => {
    for (const wrong of [
      [notes],
      [parent, { ...notes, version: 3 }],
      [
        { ...notes, version: 2 },
        { ...parent, version: 1 },
      ],
    ]) {
      expect(() => migrate(database, wrong, noBackup)).toThrow(/must be number/)
    }
    expect(tables()).toEqual([])
  })

  it('a database of a later version is refused and left as it is', () => {
    database.pragma('user_version = 7')
    expect(() => migrate(database, [parent], noBackup)).toThrow(
      expect.objectContaining({ code: 'DATABASE_TOO_NEW', message: expect.stringContaining('data version 7') }),
    )
    expect(version()).toBe(7)
    expect(tables()).toEqual([])
  })

  it('a step that fails half-way leaves nothing of itself, and the steps before it stay', () => {
    const broken: Migration = {
      version: 2,
      name: '0002-broken',
      sql: 'CREATE TABLE half (id INTEGER) STRICT; INSERT INTO nowhere VALUES (1);',
    }
    expect(() => migrate(database, [parent, broken], noBackup)).toThrow(/nowhere/)
    expect(version()).toBe(1)
    expect(tables()).toEqual(['child', 'parent'])
    expect(database.pragma('foreign_keys', { simple: true })).toBe(1)
    expect(migrate(database, [parent, notes], noBackup).toVersion).toBe(2)
  })

  it('a step that would orphan rows is undone', () => {
    migrate(database, [parent], noBackup)
    database.exec('INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);')
    const orphaning: Migration = { version: 2, name: '0002-orphans', sql: 'DELETE FROM parent;' }
    expect(() => migrate(database, [parent, orphaning], noBackup)).toThrow(expect.objectContaining({ code: 'DATABASE_DAMAGED' }))
    expect(database.prepare('SELECT count(*) FROM parent').pluck().get()).toBe(1)
    expect(database.prepare('SELECT count(*) FROM child').pluck().get()).toBe(1)
    expect(version()).toBe(1)
  })

  it('rebuilding a table does not delete the rows that refer to it', () => {
    migrate(database, [parent], noBackup)
    database.exec('INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);')
    const rebuild: Migration = {
      version: 2,
      name: '0002-rebuild',
      sql: 'CREATE TABLE next (id INTEGER PRIMARY KEY, name TEXT) STRICT; INSERT INTO next (id) SELECT id FROM parent; DROP TABLE parent; ALTER TABLE next RENAME TO parent;',
    }
    migrate(database, [parent, rebuild], noBackup)
    expect(database.prepare('SELECT count(*) FROM child').pluck().get()).toBe(1)
  })

  it('the backup holds the data as it was before the first step, and a new database needs none', () => {
    const backupPath = join(folder, 'backup.sqlite')
    migrate(database, [parent], () => backupPath)
    expect(existsSync(backupPath)).toBe(false)
    database.exec('INSERT INTO parent VALUES (42)')
    const emptying: Migration = { version: 2, name: '0002-empty', sql: 'DELETE FROM parent;' }
    expect(migrate(database, [parent, emptying], () => backupPath)).toEqual({ fromVersion: 1, toVersion: 2, backupPath })
    const backup = openDatabase({ path: backupPath, isReadOnly: true })
    expect(backup.prepare('SELECT id FROM parent').pluck().all()).toEqual([42])
    expect(backup.pragma('user_version', { simple: true })).toBe(1)
    backup.close()
  })

  it('no step runs when the backup cannot be written', () => {
    migrate(database, [parent], noBackup)
    expect(() => migrate(database, [parent, notes], () => join(folder, 'absent', 'backup.sqlite'))).toThrow(/unable to open/)
    expect(version()).toBe(1)
    expect(tables()).not.toContain('note')
  })
})

describe('the second step', () => {
  const stats = {
    rows: 2,
    validRows: 1,
    errorRows: 1,
    errors: 1,
    blankLines: 0,
    turns: 2,
    assistantTurns: 1,
    characters: 40,
    assistantCharacters: 20,
    tokensEstimate: 10,
    turnsPerRowMean: 2,
    longestRowCharacters: 40,
    duplicateRows: 0,
  }
  const read = (sql: string) => database.prepare(sql).all()

  beforeEach(() => {
    migrate(database, migrations.slice(0, 1), noBackup)
    const insert = database.prepare(
      `INSERT INTO dataset (id, name, file_name, relative_path, size_bytes, sha256, shape, status, stats_json, accepts_valid_rows_only,
         error_message, created_at_ms, updated_at_ms, deleted_at_ms)
       VALUES (@id, @id, 'a.jsonl', @path, 120, @sha256, @shape, @status, @stats, 1, @error, 1, 2, @deletedAtMs)`,
    )
    const stored = {
      path: `${'a'.repeat(64)}.jsonl`,
      sha256: 'a'.repeat(64),
      shape: 'turns',
      stats: JSON.stringify(stats),
      error: null,
      deletedAtMs: null,
    }
    insert.run({ ...stored, id: 'trained', status: 'ready' })
    insert.run({ ...stored, id: 'removed', status: 'ready', deletedAtMs: 3 })
    const empty = { path: null, sha256: null, shape: null, stats: null, deletedAtMs: null }
    insert.run({ ...empty, id: 'copying', status: 'importing', error: null })
    insert.run({ ...empty, id: 'failed', status: 'error', error: 'Import the file again.' })
    database.exec(`
      INSERT INTO dataset_row VALUES ('trained', 0, 1, 0, 60);
      INSERT INTO dataset_error (dataset_id, line, pointer, code, message, suggestion)
        VALUES ('trained', 2, '/turns/0', 'ROLE_UNKNOWN', 'The role is not known.', 'Change it.');
      INSERT INTO endpoint (id, kind, name, created_at_ms) VALUES ('here', 'local', 'This computer', 1);
      INSERT INTO run (id, name, dataset_id, endpoint_id, config_json, state_json, status, stage, head_json, created_at_ms)
        VALUES ('run', 'A run', 'trained', 'here', '{}', '{}', 'completed', 'ended', '{}', 1);
      INSERT INTO run_event VALUES ('run', 1, 1, 'created', '{}');
    `)
  })

  it('loses no dataset and no run; what has a stored file is checked again, the rest stays as it was', () => {
    expect(migrate(database, migrations, noBackup)).toMatchObject({ fromVersion: 1, toVersion: migrations.length })
    expect(read('SELECT id, status, error_message AS error, deleted_at_ms AS deleted FROM dataset ORDER BY id')).toEqual([
      { id: 'copying', status: 'importing', error: null, deleted: null },
      { id: 'failed', status: 'error', error: 'Import the file again.', deleted: null },
      { id: 'removed', status: 'validating', error: null, deleted: 3 },
      { id: 'trained', status: 'validating', error: null, deleted: null },
    ])
    expect(read('SELECT id, dataset_id AS dataset, status FROM run')).toEqual([{ id: 'run', dataset: 'trained', status: 'completed' }])
    expect(read('SELECT run_id, seq FROM run_event')).toEqual([{ run_id: 'run', seq: 1 }])
    expect(tables()).not.toContain('dataset_row')
    expect(tables()).not.toContain('dataset_error')
    expect(tables()).not.toContain('dataset_next')
  })

  it('the app reads what it left, with the figures and the decision of the user', () => {
    migrate(database, migrations, noBackup)
    const repository = createDatasetRepository(database)
    expect(repository.find('trained')).toMatchObject({
      sizeBytes: 120,
      sha256: 'a'.repeat(64),
      relativePath: `${'a'.repeat(64)}.jsonl`,
      shape: 'turns',
      stats,
      acceptsValidRowsOnly: true,
      version: 0,
    })
    expect(repository.listUnfinished().map(({ id }) => id)).toEqual(expect.arrayContaining(['copying', 'trained']))
    expect(repository.countEdits('trained')).toBe(0)
  })

  it('a run still keeps its dataset from being removed', () => {
    migrate(database, migrations, noBackup)
    expect(() => database.exec("DELETE FROM dataset WHERE id = 'trained'")).toThrow(/FOREIGN KEY/)
    expect(() => database.exec("UPDATE run SET dataset_id = 'nowhere'")).toThrow(/FOREIGN KEY/)
  })
})

describe('openDatabase', () => {
  it('turns on write-ahead logging and foreign keys', () => {
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(database.pragma('foreign_keys', { simple: true })).toBe(1)
    expect(database.pragma('busy_timeout', { simple: true })).toBe(5000)
  })

  it('a read-only connection cannot write', () => {
    migrate(database, [{ ...notes, version: 1 }], noBackup)
    const reader = openDatabase({ path: join(folder, 'app.sqlite'), isReadOnly: true })
    expect(() => reader.exec("INSERT INTO note VALUES ('x')")).toThrow(/readonly/)
    reader.close()
  })
})
