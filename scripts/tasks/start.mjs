import { buildApp } from '../build-app.mjs'
import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Builds and opens the app; arguments go on to it. */
export async function runTask({ args, options }) {
  const machine = await prepareMachine({ electron: true, python: true, vocabularies: true, demoModel: true, screen: 'auto' }, options)
  await buildApp(machine)
  // Chromium refuses its sandbox to root.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const { code } = await runCommand(machine.electron.executable, [machine.root, ...asRoot, ...args], {
    cwd: machine.root,
    env: machine.env,
    inherit: true,
  })
  return code
}
