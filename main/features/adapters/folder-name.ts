const maxNameBytes = 100
const reservedOnWindows = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i

/** A folder or file name every system accepts, made from what the user called the adapter. */
export function safeFileName(name: string): string {
  const plain = name.normalize('NFC').replaceAll(/[^\p{L}\p{N}\p{M}]+/gu, '-')
  const trimmed = trimEdges(shorten(trimEdges(plain)))
  return trimmed === '' || reservedOnWindows.test(trimmed) ? 'adapter' : trimmed
}

/** The folder of an adapter: readable, and never the same twice because of the id's random end. */
export function adapterFolderName(name: string, adapterId: string): string {
  return `${safeFileName(name)}-${adapterId.slice(-8)}`
}

function trimEdges(text: string): string {
  return text.replaceAll(/^-+|-+$/g, '')
}

/** Cuts whole characters until the name fits: systems count bytes, and a half character is no name. */
function shorten(text: string): string {
  let bytes = 0
  let result = ''
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxNameBytes) break
    result += character
  }
  return result
}
