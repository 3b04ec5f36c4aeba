import initial from './migrations/0001-initial.sql?raw'
import type { Migration } from './migrate.ts'

/** Every shipped migration in order; a shipped one is never edited. */
export const migrations: readonly Migration[] = [{ version: 1, name: '0001-initial', sql: initial }]
