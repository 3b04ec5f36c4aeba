import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stepError } from './step-error.mjs'

async function digest(file, algorithm, encoding) {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest(encoding)
}

/** Refuses a file whose SHA-512 differs from an npm integrity string ("sha512-<base64>"). */
export async function verifyIntegrity(file, integrity, label) {
  const actual = `sha512-${await digest(file, 'sha512', 'base64')}`
  if (actual === integrity) return
  throw stepError(`${label} does not have the pinned sha512, so it was not used; check which registry npm is set to and try again.`)
}

/** Refuses a file whose SHA-256 differs from the pinned hexadecimal one. */
export async function verifySha256(file, sha256, label) {
  const actual = await digest(file, 'sha256', 'hex')
  if (actual === sha256) return
  throw stepError(`${label} does not have the pinned SHA-256, so it was not used; check which registry npm is set to and try again.`)
}

/** SHA-256 of one or more pieces of text, for cache keys and stamps. */
export function hashText(...pieces) {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece).update('\0')
  return hash.digest('hex')
}
