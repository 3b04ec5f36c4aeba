import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addCounts, closingLine, countJunit, countPlaywright, countVitest, readCounts, troubleIn } from '../../../scripts/test-counts.mjs'

describe('counting', () => {
  it('catches a test file that could not be loaded and so has no failing test', () => {
    const report = {
      numPassedTests: 3,
      numFailedTests: 1,
      numPendingTests: 2,
      testResults: [
        { status: 'failed', assertionResults: [{}] },
        { status: 'failed', assertionResults: [] },
        { status: 'passed', assertionResults: [{}] },
      ],
    }
    expect(countVitest(JSON.stringify(report))).toEqual({ passed: 3, failed: 2, skipped: 2 })
  })

  it('catches collection errors of pytest that are counted as passes', () => {
    const xml =
      '<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="1" failures="2" skipped="1" tests="10" time="1.0"></testsuite></testsuites>'
    expect(countJunit(xml)).toEqual({ passed: 6, failed: 3, skipped: 1 })
  })

  it('catches a Playwright error outside any test', () => {
    const report = { stats: { expected: 4, unexpected: 1, flaky: 1, skipped: 0 }, errors: [{ message: 'no tests found' }] }
    expect(countPlaywright(JSON.stringify(report))).toEqual({ passed: 5, failed: 2, skipped: 0 })
  })

  it.each([
    ['vitest, an error outside any test', '⎯⎯⎯ Unhandled Errors ⎯⎯⎯'],
    ['vitest, a failed test', '⎯⎯⎯ Failed Tests 1 ⎯⎯⎯'],
    ['pytest', '=================== FAILURES ==================='],
    ['Playwright', '  1) tests/e2e/run.spec.ts:12:1 › a run'],
  ])('catches an end of the run that leaves out what went wrong: %s', (_, start) => {
    const log = ['✓ a test', start, 'the reason', ...Array.from({ length: 100 }, () => 'more')].join('\n')
    expect(troubleIn(log).slice(0, 2)).toEqual([start, 'the reason'])
    expect(troubleIn(log)).toHaveLength(60)
    expect(troubleIn('✓ a test\n✓ another')).toEqual([])
  })

  it('catches a total that hides a suite', () => {
    const total = addCounts([
      { passed: 1, failed: 0, skipped: 0 },
      { passed: 2, failed: 1, skipped: 3 },
    ])
    expect(closingLine(total)).toBe('3 passed, 1 failed, 3 skipped')
    expect(closingLine({ passed: 5, failed: 0, skipped: 0 })).toBe('5 passed, 0 failed')
  })
})

describe('a suite that proves nothing', () => {
  let folder = ''
  const report = () => join(folder, 'report.json')
  const write = (content: object) => writeFile(report(), JSON.stringify(content))
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-counts-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('catches a suite that crashed before it could report', async () => {
    expect(await readCounts(report(), countVitest, 1)).toMatchObject({ failed: 1, reason: 'it wrote no report' })
  })

  it('catches a half-written report', async () => {
    await writeFile(report(), '{"numPassed')
    expect(await readCounts(report(), countVitest, 0)).toMatchObject({ failed: 1 })
  })

  it('catches a suite that ran nothing and ended well', async () => {
    await write({ numPassedTests: 0, numFailedTests: 0 })
    expect(await readCounts(report(), countVitest, 0)).toMatchObject({ failed: 1, reason: 'it ran no test' })
  })

  it('catches an exit code that the report does not explain', async () => {
    await write({ numPassedTests: 3, numFailedTests: 0 })
    expect(await readCounts(report(), countVitest, 3)).toMatchObject({ passed: 3, failed: 1 })
    expect(await readCounts(report(), countVitest, 0)).toMatchObject({ passed: 3, failed: 0, reason: '' })
  })
})
