import { defineConfig } from 'vitest/config'

const tenMinutesMs = 600_000

/** The long suites: the engine's tests with far more cases, and those that are only worth their time now and then. */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['tests/unit/main/datasets/engine/**/*.test.ts', 'tests/integration/datasets/engine/**/*.test.ts', 'tests/long/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: tenMinutesMs,
    hookTimeout: tenMinutesMs,
  },
})
