/** Gives the memory of a buffer that nobody needs any more back at once, instead of when garbage is next collected. */
export function freeBuffer(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && 'transfer' in buffer && typeof buffer.transfer === 'function') buffer.transfer(0)
}
