import path from 'node:path'
import { prepareMachine } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'

/** Every static check; the Python ones run where their settings lie. */
function listChecks({ root, python }) {
  const trainer = path.join(root, 'trainer')
  return [
    { label: 'Types', command: 'tsc', args: ['-p', 'tsconfig.json', '--noEmit'], cwd: root },
    { label: 'Lint', command: 'oxlint', args: ['--type-aware', '--deny-warnings'], cwd: root },
    { label: 'Format', command: 'oxfmt', args: ['--check'], cwd: root },
    { label: 'Unused code', command: 'knip', args: ['--no-progress'], cwd: root },
    { label: 'Python lint', command: python, args: ['-m', 'ruff', 'check', '.'], cwd: trainer },
    { label: 'Python types', command: python, args: ['-m', 'mypy', '--strict'], cwd: trainer },
  ]
}

/** Runs the static checks one after the other, all of them, and prints a line for each. */
export async function runTask({ options }) {
  const machine = await prepareMachine({ python: true }, options)
  const failed = []
  for (const { label, command, args, cwd } of listChecks(machine)) {
    const output = []
    await machine.lines.step(label, async () => {
      const { code } = await runCommand(command, args, { cwd, env: machine.env, onLine: (text) => output.push(text) })
      if (code !== 0) failed.push(label)
      return { summary: code === 0 ? 'ok' : 'failed' }
    })
    if (failed.at(-1) === label) machine.lines.say(output.join('\n'))
  }
  machine.lines.say(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.join(', ')}.`)
  return failed.length === 0 ? 0 : 1
}
