import { buildApp } from '../build-app.mjs'
import { prepareMachine } from '../machine.mjs'
import { packageApp } from '../package-app.mjs'
import { formatElapsed } from '../progress-lines.mjs'
import { isStepError } from '../step-error.mjs'
import { runSuite } from '../suites.mjs'
import { addCounts, closingLine } from '../test-counts.mjs'

/** One suite's row of the closing table. */
function describe({ label, passed, failed, skipped, elapsedMs, reason }) {
  const counts = [`${passed} passed`, `${failed} failed`, `${skipped} skipped`].map((text) => text.padStart(12)).join('')
  return `${label.padEnd(22)}${counts}   ${formatElapsed(elapsedMs)}${reason === '' ? '' : `   ${reason}`}`
}

/** A suite that could not be started is one failure, so that the others still run and are counted. */
async function guarded(name, label, work) {
  const startedMs = Date.now()
  try {
    return await work()
  } catch (error) {
    if (!isStepError(error)) throw error
    return { name, label, passed: 0, failed: 1, skipped: 0, elapsedMs: Date.now() - startedMs, reason: error.message }
  }
}

/** Runs every suite, prints a table, and closes with the line of totals. */
export async function runTask({ options }) {
  const machine = await prepareMachine({ electron: true, python: true, vocabularies: true, screen: 'virtual' }, options)
  const results = []
  const add = async (name, label, work) => results.push(await guarded(name, label, work))
  const build = await guarded('build', 'build', async () => {
    await buildApp(machine)
    return undefined
  })
  if (build !== undefined) results.push(build)
  await add('unit', 'unit and integration', () => runSuite('unit', machine))
  await add('trainer', 'trainer', () => runSuite('trainer', machine, ['-m', 'not slow']))
  if (build === undefined) {
    await add('e2e', 'end to end', () => runSuite('e2e', machine))
    await add('packaged', 'packaged app', async () => {
      const packaged = await packageApp(machine, { isDrivable: true })
      return runSuite('packaged', { ...machine, packaged })
    })
  }
  const total = addCounts(results)
  for (const { label, trouble = [] } of results) {
    if (trouble.length > 0) machine.lines.say([`\n── what went wrong: ${label}`, ...trouble].join('\n'))
  }
  machine.lines.say('')
  for (const result of results) machine.lines.say(describe(result))
  if (total.failed > 0) machine.lines.say('The whole output of each suite is in out/test/.')
  machine.lines.say(closingLine(total))
  return total.failed === 0 ? 0 : 1
}
