import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RouteInput } from '../../../../preload/contract/contract.ts'
import type { RunQueue } from '../../../../preload/contract/queue.ts'
import { bridge } from '../../../lib/bridge.ts'

const queueKey = ['runs', 'queue'] as const

/** What waits, in its order, and how the shared budget stands. */
export function useQueue() {
  return useQuery({ queryKey: queueKey, queryFn: () => bridge.invoke('runs.getQueue', {}) })
}

/** Adds a run to the end of the queue. */
export function useEnqueueRun() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (input: RouteInput<'runs.enqueue'>) => bridge.invoke('runs.enqueue', input),
    onSuccess: () => client.invalidateQueries({ queryKey: ['runs'] }),
  })
}

type QueueRoute =
  | 'runs.updateQueue'
  | 'runs.pauseQueue'
  | 'runs.resumeQueue'
  | 'runs.recountQueue'
  | 'runs.moveQueued'
  | 'runs.leaveQueue'
  | 'runs.agreeToPrice'

/** Changes the queue; every answer is the queue as it is then. */
export function useChangeQueue<R extends QueueRoute>(route: R) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (input: RouteInput<R>): Promise<RunQueue> => bridge.invoke(route, input),
    onSuccess: (queue: RunQueue) => client.setQueryData(queueKey, queue),
  })
}
