import { randomBytes } from 'node:crypto'
import { delay, type Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

/** Where a secret is: the OS keychain, or memory until the app quits. */
export type SecretPlace = 'keychain' | 'session'

/** The app's secrets by account; they never leave the main process. */
export interface Keychain {
  find(account: string): Promise<{ secret: string; stored: SecretPlace } | undefined>
  /** Keeps the secret in the keychain, or in memory when the computer has none. */
  set(account: string, secret: string): Promise<SecretPlace>
  delete(account: string): Promise<void>
  /** Tries the keychain out: writes, reads and deletes a probe. */
  status(): Promise<{ isAvailable: boolean; message: string }>
}

/** The part of keytar that is used. */
export interface SystemKeychain {
  getPassword(service: string, account: string): Promise<string | null>
  setPassword(service: string, account: string, password: string): Promise<void>
  deletePassword(service: string, account: string): Promise<boolean>
}

interface KeychainDependencies {
  readonly clock: Clock
  readonly log: Log
  /** Loads keytar; it may fail where its system library is missing. */
  readonly load?: () => Promise<SystemKeychain>
  readonly service?: string
}

/** A locked keychain asks the user, which takes a while; one that never answers must not hang the app. */
const patienceMs = 20_000

/** Builds the keychain over the system's, with memory as the stated fallback; nothing is ever written in plain text. */
export function createKeychain({ clock, log, load = loadKeytar, service = 'Tunesmith' }: KeychainDependencies): Keychain {
  const session = new Map<string, string>()
  let system: Promise<SystemKeychain> | null = null

  const withSystem = async <T>(use: (keychain: SystemKeychain) => Promise<T>): Promise<T> => {
    system ??= load()
    const loaded = system
    return withinPatience(clock, async () => use(await loaded))
  }
  const forget = async (account: string) => {
    session.delete(account)
    await withSystem((keychain) => keychain.deletePassword(service, account))
  }

  return {
    async find(account) {
      const held = session.get(account)
      if (held !== undefined) return { secret: held, stored: 'session' }
      try {
        const secret = await withSystem((keychain) => keychain.getPassword(service, account))
        return secret === null ? undefined : { secret, stored: 'keychain' }
      } catch (error) {
        log.warning('The keychain could not be read', error)
        return undefined
      }
    },
    async set(account, secret) {
      try {
        await withSystem(async (keychain) => {
          await keychain.setPassword(service, account, secret)
          // Some keychains accept a secret and do not keep it.
          if ((await keychain.getPassword(service, account)) !== secret) throw new Error('The keychain did not keep the secret')
        })
        session.delete(account)
        return 'keychain'
      } catch (error) {
        log.warning('The keychain could not be written; the key is held until the app quits', error)
        session.set(account, secret)
        return 'session'
      }
    },
    async delete(account) {
      try {
        await forget(account)
      } catch (error) {
        log.warning('The keychain could not be reached to delete a key', error)
      }
    },
    async status() {
      const account = `probe-${randomBytes(8).toString('hex')}`
      const probe = randomBytes(16).toString('hex')
      try {
        await withSystem(async (keychain) => {
          await keychain.setPassword(service, account, probe)
          const read = await keychain.getPassword(service, account)
          await keychain.deletePassword(service, account)
          if (read !== probe) throw new Error('The keychain did not keep the probe')
        })
        return { isAvailable: true, message: 'API keys are kept in the keychain of this computer.' }
      } catch (error) {
        log.info('No usable keychain', error)
        return { isAvailable: false, message: noKeychainMessage() }
      }
    },
  }
}

function noKeychainMessage(): string {
  const advice = process.platform === 'linux' ? ' Install and unlock a keyring (for instance gnome-keyring) to keep keys.' : ''
  return `This computer has no usable keychain. API keys are held in memory and forgotten when the app quits.${advice}`
}

async function loadKeytar(): Promise<SystemKeychain> {
  return (await import('keytar')).default
}

async function withinPatience<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const patience = new AbortController()
  const timeOut = delay(clock, patienceMs, patience.signal).then(() => {
    throw new Error('The keychain did not answer')
  })
  // Loses the race once the work is done; its end is then of no interest.
  timeOut.catch(() => undefined)
  try {
    return await Promise.race([work(), timeOut])
  } finally {
    patience.abort(new Error('Answered'))
  }
}
