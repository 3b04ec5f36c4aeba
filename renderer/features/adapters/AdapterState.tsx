import { BadgeCheck, CircleHelp, Download, ShieldAlert, type LucideIcon } from 'lucide-react'
import type { Adapter, AdapterStatus } from '../../../preload/contract/adapters.ts'
import { RelativeTime } from '../../ui/RelativeTime.tsx'

const marks: Readonly<Record<AdapterStatus, { readonly label: string; readonly tone: string; readonly Icon: LucideIcon }>> = {
  verified: { label: 'Verified', tone: 'good', Icon: BadgeCheck },
  quarantined: { label: 'Quarantined', tone: 'bad', Icon: ShieldAlert },
  collecting: { label: 'Being copied', tone: 'now', Icon: Download },
  missing: { label: 'Files missing', tone: 'warn', Icon: CircleHelp },
}

/** Whether an adapter's files are what the trainer wrote, and when that was last checked. */
export function AdapterState({ adapter }: { readonly adapter: Adapter }) {
  const { label, tone, Icon } = marks[adapter.status]
  return (
    <span className="adapter-state" data-tone={tone} data-testid="adapter-state">
      <Icon size={14} aria-hidden="true" />
      {label}
      {adapter.status === 'collecting' && ` ${Math.floor(adapter.progress * 100)} %`}
      {adapter.status === 'verified' && adapter.verifiedAtMs !== null && (
        <span className="adapter-state-when">
          <RelativeTime atMs={adapter.verifiedAtMs} />
        </span>
      )}
    </span>
  )
}
