import { CircleCheck, CircleSlash, CircleX, Clock, Download, LoaderCircle, Play, ShieldAlert, ShieldCheck, ShieldX } from 'lucide-react'
import type { AdapterStatus } from '../../preload/contract/adapters.ts'
import type { RunStatus } from '../../preload/contract/runs.ts'
import { Badge } from './Badge.tsx'

/** The state of a run or an adapter, the same everywhere. */
export function StatusBadge({ status }: { readonly status: RunStatus | AdapterStatus }) {
  switch (status) {
    case 'queued':
      return <Badge tone="quiet" icon={<Clock size={13} />} text="Queued" />
    case 'initializing':
      return <Badge tone="active" icon={<LoaderCircle size={13} />} text="Preparing" />
    case 'running':
      return <Badge tone="active" icon={<Play size={13} />} text="Training" />
    case 'collecting':
      return <Badge tone="active" icon={<Download size={13} />} text="Collecting" />
    case 'completed':
      return <Badge tone="good" icon={<CircleCheck size={13} />} text="Completed" />
    case 'failed':
      return <Badge tone="bad" icon={<CircleX size={13} />} text="Failed" />
    case 'cancelled':
      return <Badge tone="quiet" icon={<CircleSlash size={13} />} text="Stopped" />
    case 'verified':
      return <Badge tone="good" icon={<ShieldCheck size={13} />} text="Verified" />
    case 'quarantined':
      return <Badge tone="bad" icon={<ShieldX size={13} />} text="Quarantined" />
    case 'missing':
      return <Badge tone="warn" icon={<ShieldAlert size={13} />} text="Files missing" />
  }
}
