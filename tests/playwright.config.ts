import { defineConfig } from '@playwright/test'

// One worker: every test owns the one virtual screen, and a run needs both cores.
export default defineConfig({
  testDir: './e2e',
  testMatch: '**/*.spec.ts',
  outputDir: '../out/e2e',
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter:
    process.env['TUNESMITH_E2E_REPORT'] === undefined
      ? [['list']]
      : [['list'], ['json', { outputFile: process.env['TUNESMITH_E2E_REPORT'] }]],
})
