import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createKeychain } from '../../../main/integrations/keychain.ts'
import { systemClock } from '../../../main/lib/clock.ts'
import { silentLog } from '../../../main/lib/log.ts'

describe('the keychain of this computer', { timeout: 60_000 }, () => {
  const service = `Tunesmith-test-${randomBytes(6).toString('hex')}`
  const open = () => createKeychain({ clock: systemClock, log: silentLog, service })

  it('a key survives a restart of the app exactly when the app says that it is in the keychain', async () => {
    const first = open()
    const { isAvailable, message } = await first.status()
    const isExpected = process.env['TUNESMITH_EXPECT_KEYRING'] === '1'
    expect({ isAvailable, message }).toMatchObject({ isAvailable: isExpected || isAvailable })
    const secret = randomBytes(16).toString('hex')
    try {
      expect(await first.set('endpoint', secret)).toBe(isAvailable ? 'keychain' : 'session')
      expect(await first.find('endpoint')).toEqual({ secret, stored: isAvailable ? 'keychain' : 'session' })
      expect(await open().find('endpoint')).toEqual(isAvailable ? { secret, stored: 'keychain' } : undefined)
    } finally {
      await first.delete('endpoint')
    }
    expect(await open().find('endpoint')).toBeUndefined()
  })
})
