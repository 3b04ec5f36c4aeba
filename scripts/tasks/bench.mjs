import { existsSync } from 'node:fs'
import path from 'node:path'
import { buildApp } from '../build-app.mjs'
import { prepareMachine, ROOT } from '../machine.mjs'
import { runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'

const ENTRY = 'tests/bench/index.ts'

/** Runs the benchmarks. */
export async function runTask({ args, options }) {
  if (!existsSync(path.join(ROOT, ENTRY))) throw stepError(`There is no ${ENTRY}, so there is nothing to measure.`)
  const machine = await prepareMachine({ electron: true, python: true, vocabularies: true, screen: 'virtual' }, options)
  await buildApp(machine)
  const { code } = await runCommand('node', [ENTRY, ...args], { cwd: machine.root, env: machine.env, inherit: true })
  return code
}
