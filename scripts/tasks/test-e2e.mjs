import { buildApp } from '../build-app.mjs'
import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Builds the app and runs the tests in its real window; arguments go on to Playwright. */
export async function runTask({ args, options }) {
  const machine = await prepareMachine({ electron: true, python: true, vocabularies: true, screen: 'virtual' }, options)
  await buildApp(machine)
  const { code } = await runCommand('playwright', ['test', '-c', 'tests/playwright.config.ts', ...args], {
    cwd: machine.root,
    env: machine.env,
    inherit: true,
  })
  return code
}
