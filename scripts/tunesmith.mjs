/** The one entry to every job of this repository: brings the machine up, then does the job. */
import { installSignalHandlers, isShuttingDown, shutDown } from './run-command.mjs'
import { isStepError } from './step-error.mjs'
import { isAtLeast } from './versions.mjs'

const OLDEST_NODE = '18.0.0'
const TASKS = {
  start: 'run the app',
  demo: 'drive the app through the whole loop and keep screenshots in out/demo',
  test: 'every test',
  'test:unit': 'unit and integration tests; arguments go to vitest',
  'test:trainer': "the trainer's tests; arguments go to pytest",
  'test:e2e': 'tests in the real window; arguments go to Playwright',
  check: 'types, lint, format, unused code',
  'test:faults': 'runs on a stand-in for RunPod with everything going wrong: --kills N --pairs N --seed N --only WORDS --json',
  'test:long': 'the long versions of the dataset tests; arguments go to vitest',
  bench: 'benchmarks',
  engine: 'the dataset engine on the command line: engine -- validate FILE',
  package: 'an unpacked build of the app, then its smoke test',
  setup: 'only bring the machine up',
  exec: 'run any command in the environment of the tests: exec -- <command>',
}

function usage() {
  const rows = Object.entries(TASKS).map(([name, text]) => `  ${name.padEnd(14)} ${text}`)
  return [
    'node scripts/tunesmith.mjs <task> [options] [-- arguments]',
    '',
    ...rows,
    '',
    '  --screen            use the real display where there is one',
    '  --retry-electron    try the official Electron download again',
    '',
  ].join('\n')
}

/** Splits the runner's own options from what goes on to the tool. */
export function readArguments(argv) {
  const [task, ...rest] = argv
  const cut = rest.indexOf('--')
  const own = cut === -1 ? rest : rest.slice(0, cut)
  const options = { screen: own.includes('--screen'), retryElectron: own.includes('--retry-electron') }
  const passed = own.filter((argument) => argument !== '--screen' && argument !== '--retry-electron')
  return { task, options, args: [...passed, ...(cut === -1 ? [] : rest.slice(cut + 1))] }
}

async function main() {
  const { task, options, args } = readArguments(process.argv.slice(2))
  if (task === undefined || !Object.hasOwn(TASKS, task)) {
    process.stderr.write(usage())
    return task === undefined ? 0 : 2
  }
  if (!isAtLeast(process.versions.node, OLDEST_NODE)) {
    process.stderr.write(`Node ${process.versions.node} is too old even to set the project up; install Node ${OLDEST_NODE} or later.\n`)
    return 1
  }
  const { runTask } = await import(`./tasks/${task.replace(':', '-')}.mjs`)
  return runTask({ args, options })
}

installSignalHandlers()
try {
  await shutDown(await main())
} catch (error) {
  if (!isShuttingDown()) process.stderr.write(`${isStepError(error) ? error.message : error.stack}\n`)
  await shutDown(1)
}
