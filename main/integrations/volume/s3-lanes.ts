/** Works on items in a few lanes at a time; the first failure or word to stop calls all lanes off. */
export async function inLanes<T, R>(
  items: readonly T[],
  lanes: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal, lane: number) => Promise<R | undefined>,
): Promise<R | undefined> {
  const calledOff = new AbortController()
  const either = signal === undefined ? calledOff.signal : AbortSignal.any([signal, calledOff.signal])
  const queue = items.values()
  let end: { value: R } | { error: unknown } | undefined
  const runLane = async (lane: number) => {
    try {
      for (const item of queue) {
        if (either.aborted) return
        const value = await work(item, either, lane)
        if (value !== undefined) end ??= { value }
        if (end !== undefined) break
      }
    } catch (error) {
      end ??= { error }
    }
    // A lane that ran out of items leaves the others at work.
    if (end !== undefined) calledOff.abort(new Error('Not needed any more'))
  }
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, (_, lane) => runLane(lane)))
  signal?.throwIfAborted()
  if (end === undefined) return undefined
  if ('error' in end) throw end.error
  return end.value
}
