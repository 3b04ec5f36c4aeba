import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { trainerContractFiles } from '../../../preload/contract/worker-schemas.ts'

const folder = join(import.meta.dirname, '../../../trainer/contract')

it('the trainer’s JSON Schemas say what the app’s schemas say, so that neither side drifts from the other', () => {
  const expected = trainerContractFiles()
  expect(
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .toSorted(),
  ).toEqual([...expected.keys()].toSorted())
  for (const [name, text] of expected)
    expect(readFileSync(join(folder, name), 'utf8'), `${name}: run node scripts/write-trainer-contract.mjs`).toBe(text)
})
