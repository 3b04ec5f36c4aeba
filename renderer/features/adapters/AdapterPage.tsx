import './adapter.css'
import { useState } from 'react'
import { useNavigate, useParams } from '@tanstack/react-router'
import { ChevronDown, Pencil, ShieldAlert, Trash2 } from 'lucide-react'
import type { Adapter } from '../../../preload/contract/adapters.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatBytes, formatMoney } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { useToasts } from '../../ui/Toasts.tsx'
import { Popover } from '../../ui/Popover.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { AdapterDetails } from './AdapterDetails.tsx'
import { AdapterHandOver } from './AdapterHandOver.tsx'
import { AdapterState } from './AdapterState.tsx'
import { healthLabel, HealthReasons, HealthStars } from './HealthStars.tsx'
import { useAdapter, useDeleteAdapter, useFetchAdapterAgain, useRenameAdapter } from './queries.ts'

/** One adapter: whether it can be trusted, how to take it out, and where it came from. */
export function AdapterPage() {
  const { adapterId } = useParams({ strict: false })
  return adapterId === undefined ? null : <LoadedAdapter key={adapterId} adapterId={adapterId} />
}

function LoadedAdapter({ adapterId }: { readonly adapterId: string }) {
  const adapter = useAdapter(adapterId)
  if (adapter.data === undefined) {
    return adapter.error === null ? (
      <p className="page-note">Reading the adapter.</p>
    ) : (
      <ErrorNote error={adapter.error} onRetry={() => void adapter.refetch()} />
    )
  }
  return (
    <div className="adapter-page">
      <AdapterHead adapter={adapter.data} />
      {adapter.data.status === 'quarantined' && <Quarantine adapter={adapter.data} />}
      <AdapterHandOver adapter={adapter.data} />
      <AdapterDetails adapter={adapter.data} />
    </div>
  )
}

function AdapterHead({ adapter }: { readonly adapter: Adapter }) {
  return (
    <header className="adapter-head">
      <div className="adapter-head-name">
        <AdapterName adapter={adapter} />
        <p title={adapter.baseModelId}>
          Adapter for {adapter.baseModelId} · {formatBytes(adapter.sizeBytes)}
          {adapter.stoppedEarly
            ? ` · stopped at step ${adapter.summary.stepsDone.toLocaleString('en-US')} of ${adapter.summary.stepsTotal.toLocaleString('en-US')}`
            : ''}
        </p>
      </div>
      <AdapterState adapter={adapter} />
      <Popover
        title="Training health"
        trigger={
          <Button variant="ghost" aria-label={`${healthLabel(adapter.health)}, show the reasons`}>
            <HealthStars health={adapter.health} />
            <ChevronDown size={14} aria-hidden="true" />
          </Button>
        }
      >
        <HealthReasons health={adapter.health} />
      </Popover>
      <DeleteAdapter adapter={adapter} />
    </header>
  )
}

function AdapterName({ adapter }: { readonly adapter: Adapter }) {
  const [text, setText] = useState<string | null>(null)
  const rename = useRenameAdapter(adapter.id)
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault()
    const name = (text ?? '').trim()
    if (name !== '' && name !== adapter.name) rename.mutate(name)
    setText(null)
  }
  if (text === null) {
    return (
      <h2 title={adapter.name}>
        <span>{adapter.name}</span>
        <Button variant="ghost" size="small" aria-label="Rename adapter" onClick={() => setText(adapter.name)}>
          <Pencil size={14} aria-hidden="true" />
        </Button>
        {rename.error !== null && (
          <span role="alert" className="field-error">
            {describeError(rename.error)}
          </span>
        )}
      </h2>
    )
  }
  return (
    <form className="adapter-rename" onSubmit={submit}>
      <input
        type="text"
        aria-label="Name of the adapter"
        maxLength={200}
        value={text}
        ref={(element) => element?.focus()}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setText(null)
        }}
      />
      <Button type="submit" variant="primary">
        Rename
      </Button>
      <Button onClick={() => setText(null)}>Cancel</Button>
    </form>
  )
}

function Quarantine({ adapter }: { readonly adapter: Adapter }) {
  const fetchAgain = useFetchAdapterAgain(adapter.id)
  return (
    <div className="quarantine" role="alert">
      <ShieldAlert size={16} aria-hidden="true" />
      <div>
        <h3>Kept apart, do not use</h3>
        <p>
          {adapter.quarantineReason ?? 'A file is not as the trainer recorded it.'} The files can be copied again from the endpoint's
          volume.
        </p>
        {fetchAgain.error !== null && <p className="field-error">{describeError(fetchAgain.error)}</p>}
      </div>
      <Button disabled={fetchAgain.isPending} onClick={() => fetchAgain.mutate()}>
        {fetchAgain.isPending ? 'Fetching' : 'Fetch again'}
      </Button>
    </div>
  )
}

function DeleteAdapter({ adapter }: { readonly adapter: Adapter }) {
  const navigate = useNavigate()
  const [isAsking, setAsking] = useState(false)
  const remove = useDeleteAdapter()
  const toasts = useToasts()
  const { costMicroUsd, stepsDone } = adapter.summary
  const cost = costMicroUsd === null || costMicroUsd === 0 ? '' : `, which cost ${formatMoney(costMicroUsd)}`
  return (
    <>
      <Button aria-label="Delete adapter" onClick={() => setAsking(true)}>
        <Trash2 size={14} aria-hidden="true" />
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        title={`Delete the adapter “${adapter.name}”?`}
        body={`The result of ${stepsDone.toLocaleString('en-US')} training steps${cost}, leaves this app. Its ${formatBytes(adapter.sizeBytes)} go to the system's trash. The run, its curve and the dataset stay.`}
        confirmLabel="Delete adapter"
        isDestructive
        onConfirm={() => {
          setAsking(false)
          remove.mutate(adapter.id, {
            onSuccess: () => void navigate({ to: '/adapters' }),
            onError: (error) => toasts.show(describeError(error)),
          })
        }}
        onCancel={() => setAsking(false)}
      />
    </>
  )
}
