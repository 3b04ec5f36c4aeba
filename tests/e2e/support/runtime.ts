import { resolve } from 'node:path'

/** What the machine set-up hands to tests through the environment. */
export interface TestRuntime {
  readonly electron: string
  readonly python: string
  readonly root: string
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set. Run the tests with: npm test`)
  return value
}

/** Reads the runtime; a missing part fails the test instead of skipping it. */
export function testRuntime(): TestRuntime {
  return {
    electron: required('TUNESMITH_ELECTRON'),
    python: required('TUNESMITH_PYTHON'),
    root: resolve(import.meta.dirname, '../../..'),
  }
}
