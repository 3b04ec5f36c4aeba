import { CircleCheck, CircleSlash, CircleX, Clock, Download, Hourglass, LoaderCircle, Play, ShieldAlert, ShieldCheck, ShieldX, TriangleAlert, type LucideIcon } from 'lucide-react'
import type { AdapterStatus } from '../../preload/contract/adapters.ts'
import type { DatasetStatus } from '../../preload/contract/datasets.ts'
import type { RunStatus } from '../../preload/contract/runs.ts'
import { Badge, type BadgeTone } from './Badge.tsx'

type AnyStatus = DatasetStatus | RunStatus | AdapterStatus

interface StatusBadgeProps {
  readonly status: AnyStatus
  /** Follows the word, such as a percentage. */
  readonly detail?: string
}

interface StatusMark {
  readonly text: string
  readonly tone: BadgeTone
  readonly Icon: LucideIcon
}

const marks: Readonly<Record<AnyStatus, StatusMark>> = {
  importing: { text: 'Importing', tone: 'active', Icon: Hourglass },
  validating: { text: 'Checking', tone: 'active', Icon: LoaderCircle },
  ready: { text: 'Ready', tone: 'good', Icon: CircleCheck },
  error: { text: 'Has issues', tone: 'warn', Icon: TriangleAlert },
  queued: { text: 'Queued', tone: 'quiet', Icon: Clock },
  initializing: { text: 'Preparing', tone: 'active', Icon: LoaderCircle },
  running: { text: 'Training', tone: 'active', Icon: Play },
  collecting: { text: 'Collecting', tone: 'active', Icon: Download },
  completed: { text: 'Completed', tone: 'good', Icon: CircleCheck },
  failed: { text: 'Failed', tone: 'bad', Icon: CircleX },
  cancelled: { text: 'Stopped', tone: 'quiet', Icon: CircleSlash },
  verified: { text: 'Verified', tone: 'good', Icon: ShieldCheck },
  quarantined: { text: 'Quarantined', tone: 'bad', Icon: ShieldX },
  missing: { text: 'Files missing', tone: 'warn', Icon: ShieldAlert },
}

/** The state of a dataset, run or adapter, the same everywhere. */
export function StatusBadge({ status, detail }: StatusBadgeProps) {
  const { text, tone, Icon } = marks[status]
  return <Badge tone={tone} icon={<Icon size={13} />} text={detail === undefined ? text : `${text} ${detail}`} />
}

/** The word for a status, for filters and sentences. */
export function statusWord(status: AnyStatus): string {
  return marks[status].text
}
