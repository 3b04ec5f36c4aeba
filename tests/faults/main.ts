import { playKills } from './kills.ts'
import { play } from './play.ts'
import { queueScenarios } from './queue.ts'
import { realTrainings } from './real-training.ts'
import { pairsOf, scenarios } from './scenarios.ts'
import type { Outcome } from './scenario.ts'

const words = process.argv.slice(2)
const isJson = words.includes('--json')
const read = (name: string, otherwise: number) => {
  const at = words.indexOf(`--${name}`)
  return at === -1 ? otherwise : Number(words[at + 1])
}
const only = words[words.indexOf('--only') + 1]
const seed = read('seed', Math.floor(Math.random() * 1e9))
const all = [...scenarios, ...pairsOf(seed, read('pairs', 20)), ...realTrainings]
const chosen = words.includes('--only') ? all.filter(({ name }) => name.includes(only ?? '')) : all
const queues = Object.entries(queueScenarios).filter(([name]) => !words.includes('--only') || name.includes(only ?? ''))

const outcomes: Outcome[] = []
if (!isJson)
  process.stdout.write(
    `${chosen.length + queues.length} scenarios, pairs by seed ${seed}\n\n${line(['scenario', 'injections', 'runs', 'lost', 'twice', 'over', 'wrong'])}\n`,
  )
const kills = words.includes('--only') && !'kills'.includes(only ?? '') ? 0 : read('kills', 300)
const plays = [
  ...chosen.map((scenario) => () => play(scenario)),
  ...queues.map(
    ([, playQueue]) =>
      () =>
        playQueue(seed),
  ),
  ...(kills === 0 ? [] : [() => playKills(kills, seed)]),
]
for (const playOne of plays) {
  const outcome = await playOne()
  outcomes.push(outcome)
  const { scenario: name, injections, runs, adaptersLost, duplicateTrainings, overBudget, wrongStates, notes } = outcome
  if (isJson)
    process.stdout.write(`${JSON.stringify({ scenario: name, runs, adaptersLost, duplicateTrainings, overBudget, wrongStates })}\n`)
  else
    process.stdout.write(
      `${line([name, injections, runs, adaptersLost, duplicateTrainings, overBudget, wrongStates])}${notes.length === 0 ? '' : `  ${notes.join('; ')}`}\n`,
    )
}
const bad = outcomes.filter(({ notes }) => notes.length > 0)
if (!isJson) process.stdout.write(`\n${outcomes.length - bad.length} of ${outcomes.length} scenarios ended as they should.\n`)
process.exitCode = bad.length === 0 ? 0 : 1

function line(cells: readonly (string | number)[]): string {
  const widths = [44, 46, 5, 5, 6, 5, 5]
  return cells
    .map((cell, index) =>
      String(cell)
        .slice(0, (widths[index] ?? 5) - 1)
        .padEnd(widths[index] ?? 5),
    )
    .join('')
}
