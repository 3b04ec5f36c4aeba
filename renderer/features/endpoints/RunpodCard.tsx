import { CircleCheck, CircleDashed, CircleX, Cloud } from 'lucide-react'
import { useState } from 'react'
import type { ConnectionReport, Endpoint } from '../../../preload/contract/endpoints.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { useEndpointActions } from './queries.ts'
import { ReplaceKeyDialog } from './ReplaceKeyDialog.tsx'

/** One RunPod endpoint: its key, its last test, and what can be done with it. */
export function RunpodCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const { test, remove } = useEndpointActions()
  const [isReplacing, setReplacing] = useState(false)
  const [isDeleting, setDeleting] = useState(false)
  const report = endpoint.lastReport
  return (
    <section className="card endpoint-card" aria-label={endpoint.name}>
      <header>
        <Cloud size={16} aria-hidden="true" />
        <h2 title={endpoint.name}>{endpoint.name}</h2>
        <ReportBadge report={report} />
      </header>
      <dl className="fact-list">
        <div>
          <dt>Endpoint id</dt>
          <dd>{endpoint.runpodEndpointId ?? '–'}</dd>
        </div>
        <div>
          <dt>API key</dt>
          <dd>{keyText(endpoint.key)}</dd>
        </div>
      </dl>
      {endpoint.cannotTrainReason !== null && <p className="field-hint">{endpoint.cannotTrainReason}</p>}
      {report !== null && <Report report={report} />}
      {test.error !== null && <p className="field-error">{describeError(test.error)}</p>}
      {remove.error !== null && <p className="field-error">{describeError(remove.error)}</p>}
      <div className="endpoint-actions">
        <Button onClick={() => test.mutate(endpoint.id)} disabled={test.isPending}>
          {test.isPending ? 'Testing' : 'Test connection'}
        </Button>
        <Button onClick={() => setReplacing(true)}>Replace key</Button>
        <Button onClick={() => setDeleting(true)}>Delete</Button>
      </div>
      <ReplaceKeyDialog endpoint={endpoint} isOpen={isReplacing} onClose={() => setReplacing(false)} />
      <ConfirmDialog
        isOpen={isDeleting}
        title={`Delete “${endpoint.name}” here?`}
        body="Its key is removed from the keychain. Nothing changes in your RunPod account, and finished runs stay in the list."
        confirmLabel="Delete endpoint"
        isDestructive
        onConfirm={() => {
          setDeleting(false)
          remove.mutate(endpoint.id)
        }}
        onCancel={() => setDeleting(false)}
      />
    </section>
  )
}

function Report({ report }: { readonly report: ConnectionReport }) {
  return (
    <div className="endpoint-report">
      <p>
        <b>{report.summary}</b> {report.advice}
      </p>
      <ul>
        {report.checks.map((check) => (
          <li key={check.name} data-ok={check.isOk}>
            {check.isOk ? <CircleCheck size={13} aria-label="Passed" /> : <CircleX size={13} aria-label="Failed" />}
            <span>
              {check.name}: {check.text}
            </span>
          </li>
        ))}
      </ul>
      <p className="field-hint">
        Tested <RelativeTime atMs={report.checkedAtMs} />
      </p>
    </div>
  )
}

function ReportBadge({ report }: { readonly report: ConnectionReport | null }) {
  if (report === null) return <Badge tone="quiet" icon={<CircleDashed size={13} />} text="Not tested" />
  return report.isOk ? <Badge tone="good" icon={<CircleCheck size={13} />} text="Connected" /> : <Badge tone="bad" icon={<CircleX size={13} />} text="Not connected" />
}

function keyText(key: Endpoint['key']): string {
  if (key === null || key.stored === 'none') return 'Missing'
  const end = key.lastFour === null ? '' : `…${key.lastFour}, `
  return key.stored === 'keychain' ? `${end}in the keychain` : `${end}until the app quits`
}
