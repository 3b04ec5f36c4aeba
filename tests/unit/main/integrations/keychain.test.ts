import { describe, expect, it } from 'vitest'
import { createKeychain, type SystemKeychain } from '../../../../main/integrations/keychain.ts'
import { createLog } from '../../../../main/lib/log.ts'
import { createInstantClock } from '../../../support/instant-clock.ts'

const secret = 'rpa_SECRETSECRETSECRET'

function createFakeSystem(behaviour: { forgets?: boolean; fails?: boolean; hangs?: boolean } = {}) {
  const entries = new Map<string, string>()
  const act = async <T>(value: () => T): Promise<T> => {
    if (behaviour.hangs === true) return new Promise(() => undefined)
    if (behaviour.fails === true) throw new Error('Cannot autolaunch D-Bus without X11 $DISPLAY')
    return value()
  }
  const system: SystemKeychain = {
    getPassword: (service, account) => act(() => entries.get(`${service}/${account}`) ?? null),
    setPassword: (service, account, password) =>
      act(() => void (behaviour.forgets === true || entries.set(`${service}/${account}`, password))),
    deletePassword: (service, account) => act(() => entries.delete(`${service}/${account}`)),
  }
  return { entries, system, behaviour }
}

function open(load: () => Promise<SystemKeychain>) {
  const logged: unknown[] = []
  const keychain = createKeychain({ clock: createHeldClock(), log: createLog((line) => void logged.push(line)), load })
  return { keychain, logged }
}

/** A clock whose time-outs never come, so that only answers end a wait. */
function createHeldClock() {
  return { nowMs: () => 0, after: () => () => undefined }
}

describe('keychain', () => {
  it('keeps a secret in the system keychain under the app’s name and forgets it when told', async () => {
    const fake = createFakeSystem()
    const { keychain } = open(async () => fake.system)
    expect(await keychain.set('a', secret)).toBe('keychain')
    expect([...fake.entries.keys()]).toEqual(['Tunesmith/a'])
    expect(await keychain.find('a')).toEqual({ secret, stored: 'keychain' })
    await keychain.delete('a')
    expect(await keychain.find('a')).toBeUndefined()
  })

  it.each<[string, () => Promise<SystemKeychain>]>([
    ['no D-Bus', async () => createFakeSystem({ fails: true }).system],
    ['a keychain that quietly keeps nothing', async () => createFakeSystem({ forgets: true }).system],
    ['a missing system library', () => Promise.reject(new Error('libsecret-1.so.0: cannot open shared object file'))],
  ])('with %s it says so and holds the key for this session only', async (_name, load) => {
    const { keychain, logged } = open(load)
    expect(await keychain.status()).toMatchObject({ isAvailable: false, message: expect.stringContaining('forgotten when the app quits') })
    expect(await keychain.set('a', secret)).toBe('session')
    expect(await keychain.find('a')).toEqual({ secret, stored: 'session' })
    await keychain.delete('a')
    expect(await keychain.find('a')).toBeUndefined()
    expect(JSON.stringify(logged)).not.toContain('SECRET')
  })

  it('a keychain that never answers does not hang the app', async () => {
    const keychain = createKeychain({
      clock: createInstantClock(),
      log: createLog(() => undefined),
      load: async () => createFakeSystem({ hangs: true }).system,
    })
    expect((await keychain.status()).isAvailable).toBe(false)
    expect(await keychain.set('a', secret)).toBe('session')
  })

  it('the probe leaves nothing behind', async () => {
    const fake = createFakeSystem()
    expect((await open(async () => fake.system).keychain.status()).isAvailable).toBe(true)
    expect(fake.entries.size).toBe(0)
  })

  it('a key moves out of memory once the keychain is there', async () => {
    const fake = createFakeSystem({ fails: true })
    const { keychain } = open(async () => fake.system)
    expect(await keychain.set('a', secret)).toBe('session')
    fake.behaviour.fails = false
    expect(await keychain.set('a', `${secret}2`)).toBe('keychain')
    expect(await keychain.find('a')).toEqual({ secret: `${secret}2`, stored: 'keychain' })
  })
})
