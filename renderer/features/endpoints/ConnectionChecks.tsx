import { CircleCheck, CircleX } from 'lucide-react'
import type { ConnectionReport } from '../../../preload/contract/endpoints.ts'
import { RelativeTime } from '../../ui/RelativeTime.tsx'

/** Outcome of the last connection test: what it means, and each thing that was checked. */
export function ConnectionChecks({ report }: { readonly report: ConnectionReport }) {
  return (
    <div className="endpoint-report">
      <p>
        <b>{report.summary}</b> {report.advice}
      </p>
      <ul>
        {report.checks.map((check) => (
          <li key={check.name} data-ok={check.isOk}>
            {check.isOk ? <CircleCheck size={13} role="img" aria-label="Passed" /> : <CircleX size={13} role="img" aria-label="Failed" />}
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
