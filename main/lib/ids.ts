import { randomBytes } from 'node:crypto'

/** Makes the identifiers of everything the app stores. */
export type NewId = () => string

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of time in ms, then random bits; sorts by creation. */
export function createUuidV7(nowMs: number): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
