import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: '../../out/packaged',
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter:
    process.env['TUNESMITH_E2E_REPORT'] === undefined
      ? [['list']]
      : [['list'], ['json', { outputFile: process.env['TUNESMITH_E2E_REPORT'] }]],
})
