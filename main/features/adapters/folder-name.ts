const maxNameLength = 60
const reservedName = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i

/** A folder or file name every system accepts, made from what the user called the adapter. */
export function safeFileName(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^\p{Letter}\p{Number}]+/gu, '-')
    .slice(0, maxNameLength)
    .replace(/^-+|-+$/g, '')
  return plain === '' || reservedName.test(plain) ? 'adapter' : plain
}

/** The folder of an adapter: readable, and never the same twice because of the id's random end. */
export function adapterFolderName(name: string, adapterId: string): string {
  return `${safeFileName(name)}-${adapterId.slice(-8)}`
}
