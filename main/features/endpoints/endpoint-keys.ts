import { z } from 'zod'
import type { Endpoint } from '../../../preload/contract/endpoints.ts'
import { AppError } from '../../../preload/contract/errors.ts'
import type { KeyStore, StorageKeys } from './ports.ts'

const storageKeysSchema = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() })

/** The keys of endpoints in the keychain: where they are, and what of them may be shown. */
export interface EndpointKeys {
  /** Throws a sentence when it is not on this computer. */
  apiKey(id: string): Promise<string>
  s3Keys(id: string): Promise<StorageKeys>
  findApiKey(id: string): Promise<string | undefined>
  /** Where the API key is and how it ends. */
  facts(id: string): Promise<NonNullable<Endpoint['key']>>
  storeApiKey(id: string, apiKey: string): Promise<void>
  storeS3Keys(id: string, keys: StorageKeys): Promise<void>
  forgetApiKey(id: string): Promise<void>
  forgetS3Keys(id: string): Promise<void>
  /** Whether the system's keychain can be used, in words. */
  status(): Promise<{ isAvailable: boolean; message: string }>
}

/** Builds the view of the keychain that endpoints and their set-up share. */
export function createEndpointKeys(keys: KeyStore): EndpointKeys {
  /** Kept, so that a list does not ask the keychain every time. */
  const known = new Map<string, NonNullable<Endpoint['key']>>()
  return {
    async apiKey(id) {
      const key = await keys.find(id)
      if (key !== undefined) return key.secret
      throw new AppError('ENDPOINT_KEY_MISSING', 'There is no API key for this endpoint on this computer. Replace the key under Endpoints.')
    },
    async s3Keys(id) {
      const kept = await keys.find(storageAccount(id))
      if (kept !== undefined) return storageKeysSchema.parse(JSON.parse(kept.secret))
      throw new AppError('ENDPOINT_KEY_MISSING', 'The S3 keys of this endpoint are not on this computer. Connect its network volume again.')
    },
    findApiKey: async (id) => (await keys.find(id))?.secret,
    async facts(id) {
      const kept = known.get(id)
      if (kept !== undefined) return kept
      const found = await keys.find(id)
      // A keychain that is locked now may be open later.
      if (found === undefined) return { stored: 'none', lastFour: null }
      const facts = { stored: found.stored, lastFour: lastFour(found.secret) }
      known.set(id, facts)
      return facts
    },
    async storeApiKey(id, apiKey) {
      known.set(id, { stored: await keys.set(id, apiKey), lastFour: lastFour(apiKey) })
    },
    storeS3Keys: async (id, pair) => void (await keys.set(storageAccount(id), JSON.stringify(pair))),
    async forgetApiKey(id) {
      known.delete(id)
      await keys.delete(id)
    },
    forgetS3Keys: (id) => keys.delete(storageAccount(id)),
    status: () => keys.status(),
  }
}

function storageAccount(id: string): string {
  return `${id}:s3`
}

function lastFour(secret: string): string {
  return secret.slice(-4)
}
