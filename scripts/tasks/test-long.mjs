import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Runs the engine's tests with far more cases, and the long suites; arguments go on to vitest. */
export async function runTask({ args, options }) {
  const { root, env } = await prepareMachine({ python: true, screen: 'virtual' }, options)
  const long = { ...env, TUNESMITH_LONG: '1' }
  const { code } = await runCommand('vitest', ['run', '--config', 'tests/vitest.long.config.ts', ...args], {
    cwd: root,
    env: long,
    inherit: true,
  })
  return code
}
