import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'

/** Runs any command with the machine brought up and every variable set. */
export async function runTask({ args, options }) {
  const [command, ...rest] = args
  if (command === undefined) throw stepError('Give the command to run: node scripts/tunesmith.mjs exec -- <command>')
  const { env } = await prepareMachine(
    { electron: true, python: true, vocabularies: true, demoModel: true, screen: 'auto' },
    { ...options, quiet: true },
  )
  const { code } = await runCommand(command, rest, { env, foreground: true })
  return code
}
