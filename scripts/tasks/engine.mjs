import path from 'node:path'
import { buildApp } from '../build-app.mjs'
import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Runs the dataset engine's command line as the app has it; its exit status is the task's. */
export async function runTask({ args, options }) {
  const machine = await prepareMachine({ vocabularies: true }, { ...options, quiet: true })
  await buildApp(machine)
  const script = path.join(machine.root, 'out', 'main', 'dataset-cli.js')
  const { code } = await runCommand(machine.node, [script, ...args], { env: machine.env, foreground: true })
  return code
}
