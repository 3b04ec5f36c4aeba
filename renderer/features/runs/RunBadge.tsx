import { Ban, CircleCheck, CircleX, Download, Hourglass, LoaderCircle, Play, type LucideIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import type { Run, RunStatus } from '../../../preload/contract/runs.ts'
import { formatPercent } from '../../lib/format.ts'
import { Badge } from '../../ui/Badge.tsx'

interface StatusLook {
  readonly text: string
  readonly tone: ComponentProps<typeof Badge>['tone']
  readonly Icon: LucideIcon
}

const looks: Readonly<Record<RunStatus, StatusLook>> = {
  queued: { text: 'Queued', tone: 'quiet', Icon: Hourglass },
  initializing: { text: 'Starting', tone: 'active', Icon: LoaderCircle },
  running: { text: 'Running', tone: 'active', Icon: Play },
  collecting: { text: 'Collecting', tone: 'active', Icon: Download },
  completed: { text: 'Completed', tone: 'good', Icon: CircleCheck },
  failed: { text: 'Failed', tone: 'bad', Icon: CircleX },
  cancelled: { text: 'Stopped', tone: 'warn', Icon: Ban },
}

/** The status of a run by icon, word and colour, with its progress while it trains. */
export function RunBadge({ run }: { readonly run: Run }) {
  const { text, tone, Icon } = looks[run.status]
  const isTraining = run.status === 'running' && run.stage === 'training'
  return (
    <span className="run-badge" data-testid="run-status" data-status={run.status}>
      <Badge tone={tone} icon={<Icon size={13} />} text={isTraining ? trainingText(run) : text} />
    </span>
  )
}

function trainingText(run: Run): string {
  return run.progress === null ? 'Training' : `Training ${formatPercent(run.progress)}`
}
