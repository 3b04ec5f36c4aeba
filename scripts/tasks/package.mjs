import { buildApp } from '../build-app.mjs'
import { prepareMachine } from '../machine.mjs'
import { packageApp } from '../package-app.mjs'
import { runSuite } from '../suites.mjs'
import { closingLine } from '../test-counts.mjs'

/** Packages the app unpacked and tries the result out. */
export async function runTask({ options }) {
  const machine = await prepareMachine({ electron: true, python: true, vocabularies: true, screen: 'virtual' }, options)
  await buildApp(machine)
  const packaged = await packageApp(machine, { isDrivable: true })
  const result = await runSuite('packaged', { ...machine, packaged })
  machine.lines.say(closingLine(result))
  return result.failed === 0 ? 0 : 1
}
