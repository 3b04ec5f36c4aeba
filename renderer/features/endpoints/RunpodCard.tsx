import { CircleCheck, CircleDashed, CircleX, Cloud, Pencil } from 'lucide-react'
import { useState } from 'react'
import type { Setup } from '../../../preload/contract/endpoint-setups.ts'
import type { ConnectionReport, Endpoint } from '../../../preload/contract/endpoints.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatMoney } from '../../lib/format.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { ConnectVolumeDialog } from './ConnectVolumeDialog.tsx'
import { ConnectionChecks } from './ConnectionChecks.tsx'
import { useEndpointActions } from './queries.ts'
import { RenameEndpointDialog } from './RenameEndpointDialog.tsx'
import { ReplaceKeyDialog } from './ReplaceKeyDialog.tsx'
import { RemoveSetupDialog } from './setup/RemoveSetupDialog.tsx'
import { useSetupActions } from './setup/setup-queries.ts'
import { WorkerFacts } from './WorkerFacts.tsx'

interface RunpodCardProps {
  readonly endpoint: Endpoint
  /** What the app has made for it; null when the user connected an endpoint of their own. */
  readonly setup: Setup | null
}

/** One RunPod endpoint: its key, its last test, its worker, and what can be done with it. */
export function RunpodCard({ endpoint, setup }: RunpodCardProps) {
  const { test, remove, disconnectStorage, greet } = useEndpointActions()
  const { updateWorker } = useSetupActions()
  const [opened, setOpened] = useState<'rename' | 'key' | 'volume' | 'delete' | null>(null)
  const close = () => setOpened(null)
  const failure = test.error ?? remove.error ?? disconnectStorage.error ?? greet.error ?? updateWorker.error
  return (
    <section className="card endpoint-card" aria-label={endpoint.name}>
      <header>
        <Cloud size={16} aria-hidden="true" />
        <h2 title={endpoint.name}>{endpoint.name}</h2>
        <Button variant="ghost" size="small" aria-label={`Rename ${endpoint.name}`} title="Rename" onClick={() => setOpened('rename')}>
          <Pencil size={13} aria-hidden="true" />
        </Button>
        <span className="endpoint-space" />
        <ReportBadge report={endpoint.lastReport} />
      </header>
      <dl className="fact-list">
        <div>
          <dt>Endpoint id</dt>
          <dd className="mono">{endpoint.runpodEndpointId ?? '–'}</dd>
        </div>
        <div>
          <dt>API key</dt>
          <dd>{keyText(endpoint.key)}</dd>
        </div>
        {endpoint.remote !== null && <RemoteFacts remote={endpoint.remote} />}
        <Fact
          label="Files"
          value={endpoint.storage === null ? 'Through jobs on a charged worker' : `Straight to ${endpoint.storage.volumeId} over S3`}
        />
        {setup !== null && <Fact label="Made by this app" value={restText(setup)} />}
      </dl>
      {endpoint.worker !== null && (
        <WorkerFacts
          worker={endpoint.worker}
          isAsking={greet.isPending}
          onAsk={() => greet.mutate(endpoint.id)}
          onUpdate={setup?.hasNewerWorker === true ? () => updateWorker.mutate(endpoint.id) : null}
          isUpdating={updateWorker.isPending}
        />
      )}
      {endpoint.lastReport !== null && <ConnectionChecks report={endpoint.lastReport} />}
      {endpoint.cannotTrainReason !== null && <p className="field-hint">{endpoint.cannotTrainReason}</p>}
      {failure !== null && (
        <p role="alert" className="field-error">
          {describeError(failure)}
        </p>
      )}
      <div className="endpoint-actions">
        <Button onClick={() => test.mutate(endpoint.id)} disabled={test.isPending}>
          {test.isPending ? 'Testing' : 'Test connection'}
        </Button>
        <Button onClick={() => setOpened('key')}>Replace key</Button>
        {endpoint.storage === null ? (
          <Button onClick={() => setOpened('volume')}>Connect volume</Button>
        ) : (
          <Button onClick={() => disconnectStorage.mutate(endpoint.id)} disabled={disconnectStorage.isPending}>
            Disconnect volume
          </Button>
        )}
        <Button variant="danger" onClick={() => setOpened('delete')}>
          Delete
        </Button>
      </div>
      <RenameEndpointDialog endpoint={endpoint} isOpen={opened === 'rename'} onClose={close} />
      <ReplaceKeyDialog endpoint={endpoint} isOpen={opened === 'key'} onClose={close} />
      <ConnectVolumeDialog endpoint={endpoint} isOpen={opened === 'volume'} onClose={close} />
      {setup !== null && <RemoveSetupDialog setup={setup} isOpen={opened === 'delete'} onClose={close} />}
      <ConfirmDialog
        isOpen={opened === 'delete' && setup === null}
        title={`Delete “${endpoint.name}” here?`}
        body="Its key is removed from this computer. Nothing changes in your RunPod account, and finished runs stay in the list."
        confirmLabel="Delete endpoint"
        isDestructive
        onConfirm={() => {
          close()
          remove.mutate(endpoint.id)
        }}
        onCancel={close}
      />
    </section>
  )
}

function RemoteFacts({ remote }: { readonly remote: NonNullable<Endpoint['remote']> }) {
  const { gpu, gpuCount, pricePerHourMicroUsd, volumeId, dataCentreId, balanceMicroUsd } = remote
  return (
    <>
      <Fact label="GPU" value={gpu === null ? 'Not told' : gpuCount > 1 ? `${gpuCount} × ${gpu}` : gpu} />
      <Fact label="Price" value={pricePerHourMicroUsd === null ? 'Not told' : `${formatMoney(pricePerHourMicroUsd)} an hour`} />
      <Fact
        label="Network volume"
        value={volumeId === null ? 'None' : dataCentreId === null ? volumeId : `${volumeId} in ${dataCentreId}`}
      />
      {balanceMicroUsd !== null && <Fact label="Balance" value={formatMoney(balanceMicroUsd)} />}
    </>
  )
}

function Fact({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  )
}

/** What of it is charged although nothing runs. */
function restText({ proposal, restsPerMonthMicroUsd }: Setup): string {
  const cost = restsPerMonthMicroUsd === null ? '' : `, ${formatMoney(restsPerMonthMicroUsd)} a month`
  return `${proposal.volumeGb} GB${cost}`
}

function ReportBadge({ report }: { readonly report: ConnectionReport | null }) {
  if (report === null) return <Badge tone="quiet" icon={<CircleDashed size={13} />} text="Not tested" />
  return report.isOk ? (
    <Badge tone="good" icon={<CircleCheck size={13} />} text="Connected" />
  ) : (
    <Badge tone="bad" icon={<CircleX size={13} />} text="Not connected" />
  )
}

function keyText(key: Endpoint['key']): string {
  if (key === null || key.stored === 'none') return 'Missing'
  const end = key.lastFour === null ? '' : `…${key.lastFour}, `
  return key.stored === 'keychain' ? `${end}in the keychain` : `${end}until the app quits`
}
