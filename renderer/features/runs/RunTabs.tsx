import type { Run } from '../../../preload/contract/runs.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Tabs } from '../../ui/Tabs.tsx'
import { useRunEvents } from './queries.ts'
import { RunConfiguration } from './RunConfiguration.tsx'
import { RunLog } from './log/RunLog.tsx'
import { RunSamples } from './RunSamples.tsx'

/** What lies under the chart: samples, log, history, configuration. */
export function RunTabs({ run }: { readonly run: Run }) {
  return (
    <Tabs
      label="Details of the run"
      tabs={[
        { id: 'samples', title: 'Samples', content: <RunSamples run={run} /> },
        { id: 'log', title: 'Log', content: <RunLog runId={run.id} /> },
        { id: 'events', title: 'Events', content: <RunHistory runId={run.id} /> },
        { id: 'configuration', title: 'Configuration', content: <RunConfiguration run={run} /> },
      ]}
    />
  )
}

function RunHistory({ runId }: { readonly runId: string }) {
  const events = useRunEvents(runId)
  if (events.error !== null) return <p className="run-tab-note">{describeError(events.error)}</p>
  if (events.data === undefined) return <p className="run-tab-note">Reading the events.</p>
  return (
    <table className="run-table" aria-label="Events of the run">
      <thead>
        <tr>
          <th scope="col" className="run-number">
            No.
          </th>
          <th scope="col">Time</th>
          <th scope="col">Event</th>
          <th scope="col">Detail</th>
        </tr>
      </thead>
      <tbody>
        {events.data.map((event) => (
          <tr key={event.seq}>
            <td className="run-number">{event.seq}</td>
            <td className="run-time">
              <time dateTime={new Date(event.atMs).toISOString()}>{new Date(event.atMs).toLocaleTimeString('en-GB')}</time>
            </td>
            <td>{event.type.replaceAll('_', ' ')}</td>
            <td className="run-event-detail">{event.detail}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
