import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Runs all of the trainer's tests, slow ones included; arguments go on to pytest. */
export async function runTask({ args, options }) {
  const { root, env, python } = await prepareMachine({ python: true, demoModel: true }, options)
  const { code } = await runCommand(python, ['-m', 'pytest', 'trainer/tests', ...args], { cwd: root, env, inherit: true })
  return code
}
