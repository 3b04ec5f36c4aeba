import { readFile } from 'node:fs/promises'

const none = { passed: 0, failed: 0, skipped: 0 }

/** Counts of a vitest JSON report; a file that could not even be loaded counts as one failure. */
export function countVitest(text) {
  const report = JSON.parse(text)
  const unloaded = (report.testResults ?? []).filter((file) => file.status === 'failed' && (file.assertionResults ?? []).length === 0)
  return {
    passed: report.numPassedTests ?? 0,
    failed: (report.numFailedTests ?? 0) + unloaded.length,
    skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
  }
}

/** Counts of a JUnit file as pytest writes it; an error while collecting or setting up counts as a failure. */
export function countJunit(text) {
  const counts = { ...none }
  for (const [tag] of text.matchAll(/<testsuite\s[^>]*>/g)) {
    const read = (name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(tag)?.[1] ?? 0)
    const failed = read('failures') + read('errors')
    counts.failed += failed
    counts.skipped += read('skipped')
    counts.passed += Math.max(0, read('tests') - failed - read('skipped'))
  }
  return counts
}

/** Counts of a Playwright JSON report; an error outside any test counts as one failure, a test that needed a retry as passed. */
export function countPlaywright(text) {
  const { stats = {}, errors = [] } = JSON.parse(text)
  return {
    passed: (stats.expected ?? 0) + (stats.flaky ?? 0),
    failed: (stats.unexpected ?? 0) + errors.length,
    skipped: stats.skipped ?? 0,
  }
}

/**
 * One suite's counts from its report and exit code. No readable report, an exit code that the report does not explain,
 * and a suite that ran nothing are failures too: none of them may look green.
 */
export async function readCounts(reportFile, count, exitCode) {
  let counts = none
  let reason = ''
  try {
    counts = count(await readFile(reportFile, 'utf8'))
  } catch (error) {
    reason = error.code === 'ENOENT' ? 'it wrote no report' : `its report is unreadable: ${error.message}`
  }
  if (reason === '' && counts.passed + counts.failed === 0) reason = 'it ran no test'
  if (reason === '' && exitCode !== 0 && counts.failed === 0) reason = `it ended with exit code ${exitCode}`
  return reason === '' ? { ...counts, reason } : { ...counts, failed: counts.failed + 1, reason }
}

const troubleStart =
  /(?:Failed Suites|Failed Tests|Unhandled Errors|Unhandled Rejection|Uncaught Exception|= FAILURES =|= ERRORS =|^\s+1\) )/
const mostTroubleLines = 60

/** What a suite's log says about what went wrong, for the end of the run, where it is found; nothing when it says nothing. */
export function troubleIn(log) {
  const lines = log.split('\n')
  const first = lines.findIndex((line) => troubleStart.test(line))
  return first < 0 ? [] : lines.slice(first, first + mostTroubleLines)
}

/** Sums several suites' counts. */
export function addCounts(all) {
  return all.reduce(
    (sum, counts) => ({
      passed: sum.passed + counts.passed,
      failed: sum.failed + counts.failed,
      skipped: sum.skipped + counts.skipped,
    }),
    none,
  )
}

/** The line that closes a test run: "12 passed, 0 failed", with ", 3 skipped" only when there are any. */
export function closingLine({ passed, failed, skipped }) {
  const end = skipped > 0 ? `, ${skipped} skipped` : ''
  return `${passed} passed, ${failed} failed${end}`
}
