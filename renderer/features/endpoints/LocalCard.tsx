import { CircleCheck, CircleDashed, CircleX, Monitor } from 'lucide-react'
import type { Endpoint, LocalState } from '../../../preload/contract/endpoints.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatBytes } from '../../lib/format.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { useEndpointActions, useLocalState } from './queries.ts'

const workerNames: Readonly<Record<LocalState['worker'], string>> = {
  stopped: 'Starts with the next run',
  starting: 'Starting',
  ready: 'Ready',
  busy: 'Training',
  restarting: 'Starting again',
}

/** What setting up is called in each state; null where there is nothing to set up. */
const setUpLabels: Readonly<Record<LocalState['python']['status'], string | null>> = {
  not_set_up: 'Set up',
  missing: 'Look again',
  failed: 'Set up again',
  setting_up: null,
  ready: null,
}

/** Training on this computer: the device, the Python environment and the worker. */
export function LocalCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const local = useLocalState()
  const { setUpLocal, openLink } = useEndpointActions()
  const python = local.data?.python
  const setUpLabel = python === undefined ? null : setUpLabels[python.status]
  const failure = setUpLocal.error ?? openLink.error
  return (
    <section className="card endpoint-card" aria-label={endpoint.name}>
      <header>
        <Monitor size={16} aria-hidden="true" />
        <h2>{endpoint.name}</h2>
        <span className="endpoint-space" />
        {python !== undefined && <PythonBadge status={python.status} />}
      </header>
      {local.error !== null && <p className="field-error">{describeError(local.error)}</p>}
      {local.data !== undefined && (
        <dl className="fact-list">
          <Fact label="Device" value={deviceText(local.data.device)} />
          <Fact label="Memory" value={formatBytes(local.data.device?.memoryBytes)} />
          <Fact label="Disk free" value={formatBytes(local.data.diskFreeBytes)} />
          <Fact label="Worker" value={workerNames[local.data.worker]} />
          <Fact label="Python" value={local.data.python.version ?? '–'} />
          <Fact label="Price" value="No charge" />
        </dl>
      )}
      {python !== undefined && python.message !== '' && (
        <p className="field-hint" role="status">
          {python.message}
        </p>
      )}
      {python?.status === 'setting_up' && <ProgressBar label="Setting up Python" value={python.progress} />}
      {failure !== null && (
        <p role="alert" className="field-error">
          {describeError(failure)}
        </p>
      )}
      {setUpLabel !== null && (
        <div className="endpoint-actions">
          {python?.status === 'missing' && <Button onClick={() => openLink.mutate('python_downloads')}>Get Python</Button>}
          <Button variant="primary" onClick={() => setUpLocal.mutate()} disabled={setUpLocal.isPending}>
            {setUpLabel}
          </Button>
        </div>
      )}
    </section>
  )
}

function PythonBadge({ status }: { readonly status: LocalState['python']['status'] }) {
  switch (status) {
    case 'ready':
      return <Badge tone="good" icon={<CircleCheck size={13} />} text="Ready" />
    case 'setting_up':
      return <Badge tone="active" icon={<CircleDashed size={13} />} text="Setting up" />
    case 'not_set_up':
      return <Badge tone="warn" icon={<CircleDashed size={13} />} text="Not set up" />
    case 'missing':
      return <Badge tone="bad" icon={<CircleX size={13} />} text="Python missing" />
    case 'failed':
      return <Badge tone="bad" icon={<CircleX size={13} />} text="Set-up failed" />
  }
}

function deviceText(device: LocalState['device']): string {
  if (device === null) return '–'
  return device.kind === 'cpu' ? `${device.name} (no GPU)` : device.name
}

function Fact({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  )
}
