import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { executableName } from './package-app.mjs'
import { runCommand } from './run-command.mjs'
import { countJunit, countPlaywright, countVitest, readCounts, troubleIn } from './test-counts.mjs'

/** The suites of this repository: how each is started, where it reports to and how that report is counted. */
export const SUITES = {
  unit: {
    label: 'unit and integration',
    command: (machine, report, args) => [
      'vitest',
      ['run', '--config', 'tests/vitest.config.ts', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
    ],
    report: 'unit.json',
    count: countVitest,
  },
  trainer: {
    label: 'trainer',
    command: (machine, report, args) => [machine.python, ['-m', 'pytest', 'trainer/tests', '-q', `--junitxml=${report}`, ...args]],
    report: 'trainer.xml',
    count: countJunit,
  },
  e2e: {
    label: 'end to end',
    command: (machine, report, args) => ['playwright', ['test', '-c', 'tests/playwright.config.ts', ...args]],
    env: (report) => ({ TUNESMITH_E2E_REPORT: report }),
    report: 'e2e.json',
    count: countPlaywright,
  },
  packaged: {
    label: 'packaged app',
    command: () => ['playwright', ['test', '-c', 'tests/packaged/playwright.config.ts']],
    env: (report, machine) => ({
      TUNESMITH_E2E_REPORT: report,
      TUNESMITH_PACKAGED: path.join(machine.packaged.folder, executableName()),
      TUNESMITH_PACKAGED_DRIVABLE: path.join(machine.packaged.drivable, executableName()),
    }),
    report: 'packaged.json',
    count: countPlaywright,
  },
}

/** Runs one suite to its end and resolves to its counts; its whole output is kept in out/test/. */
export async function runSuite(name, machine, args = []) {
  const suite = SUITES[name]
  const folder = path.join(machine.root, 'out', 'test')
  await mkdir(folder, { recursive: true })
  const report = path.join(folder, suite.report)
  await rm(report, { force: true })
  const [command, commandArgs] = suite.command(machine, report, args)
  const env = { ...machine.env, ...suite.env?.(report, machine), FORCE_COLOR: '0' }
  delete env.NO_COLOR
  const startedMs = Date.now()
  machine.lines.say(`\n── ${suite.label}`)
  const logFile = path.join(folder, `${name}.log`)
  const { code } = await runCommand(command, commandArgs, { cwd: machine.root, env, logFile, echo: true })
  const counts = await readCounts(report, suite.count, code)
  const trouble = counts.failed === 0 ? [] : troubleIn(await readFile(logFile, 'utf8'))
  return { ...counts, name, label: suite.label, elapsedMs: Date.now() - startedMs, trouble }
}
