import type { Run } from '../../../../preload/contract/runs.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { Button } from '../../../ui/Button.tsx'
import { useToasts } from '../../../ui/Toasts.tsx'
import { useChangeQueue } from './queries.ts'

/** Takes a waiting run out of the queue, from its own page; nothing is lost, so nothing is asked. */
export function LeaveQueue({ run }: { readonly run: Run }) {
  const leave = useChangeQueue('runs.leaveQueue')
  const toasts = useToasts()
  return (
    <Button
      disabled={leave.isPending}
      onClick={() => leave.mutate({ id: run.id }, { onError: (error) => toasts.show(describeError(error)) })}
    >
      Remove from queue
    </Button>
  )
}
