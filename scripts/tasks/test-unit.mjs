import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Runs unit and integration tests; arguments go on to vitest. The private bus and keyring serve the keychain tests. */
export async function runTask({ args, options }) {
  const { root, env } = await prepareMachine({ python: true, vocabularies: true, screen: 'virtual' }, options)
  const { code } = await runCommand('vitest', ['run', '--config', 'tests/vitest.config.ts', ...args], { cwd: root, env, inherit: true })
  return code
}
