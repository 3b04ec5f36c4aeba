import { AppError } from '../../../preload/contract/errors.ts'
import type { S3Calls } from './s3-calls.ts'

interface Entry {
  readonly key: string
  readonly bytes: number
}

const mostPages = 200

/** Every entry under a prefix; a listing that goes round in a circle is an error, because it is not all there is. */
export async function listAll(calls: S3Calls, prefix: string): Promise<readonly Entry[]> {
  const found = new Map<string, Entry>()
  const seen = new Set<string>()
  for (let token: string | undefined; ;) {
    const page = await calls.listPage(prefix, token)
    for (const entry of page.entries) if (entry.key.startsWith(prefix)) found.set(entry.key, entry)
    if (page.next === null) return [...found.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
    if (page.next === '' || seen.has(page.next) || seen.size >= mostPages) throw endless(prefix)
    seen.add(page.next)
    token = page.next
  }
}

function endless(prefix: string): AppError {
  return new AppError('VOLUME_UNREADABLE', `The network volume does not list ${prefix} to its end. Try again later.`, {
    retryable: true,
    details: { prefix },
  })
}
