import type { ReactNode } from 'react'
import type { Run } from '../../../preload/contract/runs.ts'
import { describeError } from '../../lib/describe-error.ts'
import { pairSamples } from '../../lib/sample-pairs.ts'
import { HyperparameterTable } from '../../ui/HyperparameterTable.tsx'
import { SampleComparison } from '../../ui/SampleComparison.tsx'
import { Tabs } from '../../ui/Tabs.tsx'
import { presetLabels } from '../../lib/hyperparameter-text.ts'
import { useRunEvents, useRunSamples } from './queries.ts'
import { RunLog } from './RunLog.tsx'

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

function RunSamples({ run }: { readonly run: Run }) {
  const samples = useRunSamples(run.id)
  const isOver = run.endedAtMs !== null
  if (samples.error !== null) return <p className="run-tab-note">{describeError(samples.error)}</p>
  if (samples.data === undefined) return <p className="run-tab-note">Reading the samples.</p>
  if (samples.data.length === 0) {
    return (
      <p className="run-tab-note">
        {isOver
          ? 'The run ended before the first sample was written.'
          : 'The base model answers a few prompts before the first step, the trained one at the end. Both are shown here side by side.'}
      </p>
    )
  }
  return (
    <SampleComparison
      pairs={pairSamples(samples.data)}
      missingText={isOver ? 'Not written, the run ended before.' : 'Written when training ends.'}
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

function RunConfiguration({ run }: { readonly run: Run }) {
  const { plan, config } = run
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Base model', config.baseModel.kind === 'folder' ? config.baseModel.path : config.baseModel.id],
    ['Endpoint', run.endpointName],
    ['Preset', presetLabels[config.preset]],
    ['Dataset', `${run.datasetName}, ${run.datasetRows.toLocaleString('en-US')} rows`],
    ['Dataset SHA-256', run.datasetSha256 === null ? '–' : <code key="hash">{run.datasetSha256}</code>],
    [
      'Rows',
      plan === null
        ? '–'
        : `${plan.rowsTrain.toLocaleString('en-US')} trained, ${plan.rowsEval.toLocaleString('en-US')} held out, ${plan.rowsTruncated.toLocaleString('en-US')} cut, ${plan.rowsDropped.toLocaleString('en-US')} left out`,
    ],
    [
      'Parameters trained',
      plan === null ? '–' : `${plan.parametersTrainable.toLocaleString('en-US')} of ${plan.parametersTotal.toLocaleString('en-US')}`,
    ],
    ['Device', plan === null ? '–' : `${plan.device}, ${plan.dtype}`],
    ['Attempt', String(run.attempt)],
    ['Job', run.jobId ?? '–'],
  ]
  return (
    <div className="run-configuration">
      <dl className="fact-list">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <HyperparameterTable hyperparameters={config.hyperparameters} />
    </div>
  )
}
