import { buildApp } from '../build-app.mjs'
import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Drives the visible app through the whole loop on a throw-away profile. */
export async function runTask({ args, options }) {
  const machine = await prepareMachine({ electron: true, python: true, vocabularies: true, demoModel: true, screen: 'auto' }, options)
  await buildApp(machine)
  // Node runs TypeScript by leaving its types out.
  const { code } = await runCommand('node', ['tests/demo/demo.ts', ...args], { cwd: machine.root, env: machine.env, inherit: true })
  return code
}
