/** Where the run of bytes from `start` ends that `stops` does not mark; a table of 256 is the fastest test. */
export function endOfRun(chunk: Buffer, start: number, stops: Uint8Array): number {
  const end = chunk.length
  let at = start
  while (at < end && stops[chunk[at] as number] === 0) at += 1
  return at
}
