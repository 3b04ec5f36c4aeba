import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Plays every fault on a stand-in for RunPod’s cloud, with our own trainer in some, and prints a table; arguments go on to it. */
export async function runTask({ args, options }) {
  const { root, env } = await prepareMachine({ python: true }, options)
  const { code } = await runCommand('node', ['--import', './tests/support/build-imports.ts', 'tests/faults/main.ts', ...args], {
    cwd: root,
    env,
    inherit: true,
  })
  return code
}
