import './endpoints.css'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { AddRunpodDialog } from './AddRunpodDialog.tsx'
import { LocalCard } from './LocalCard.tsx'
import { useEndpoints, useKeychainStatus } from './queries.ts'
import { RunpodCard } from './RunpodCard.tsx'
import { SetupCard } from './setup/SetupCard.tsx'
import { useSetups } from './setup/setup-queries.ts'

/** Where runs are trained: this computer, and the user's own RunPod endpoints. */
export function EndpointsPage() {
  const [isAdding, setAdding] = useState(false)
  const endpoints = useEndpoints()
  const setups = useSetups()
  const keychain = useKeychainStatus()
  if (setups.error !== null) return <ErrorNote error={setups.error} onRetry={() => void setups.refetch()} />
  if (endpoints.error !== null) return <ErrorNote error={endpoints.error} onRetry={() => void endpoints.refetch()} />
  if (endpoints.data === undefined) return <p className="page-note">Reading the endpoints.</p>
  const made = setups.data ?? []
  const unfinished = made.filter(({ phase }) => phase !== 'ready')
  return (
    <div className="list-page">
      <div className="list-bar">
        <p className="field-hint">A run is trained at an endpoint. This computer needs no account.</p>
        <Button onClick={() => setAdding(true)}>
          <Plus size={14} aria-hidden="true" />
          Add RunPod
        </Button>
      </div>
      {keychain.data?.isAvailable === false && (
        <p className="endpoint-notice" role="status">
          {keychain.data.message}
        </p>
      )}
      <div className="endpoint-cards">
        {endpoints.data
          .filter(({ id }) => unfinished.every((setup) => setup.id !== id))
          .map((endpoint) =>
            endpoint.kind === 'local' ? (
              <LocalCard key={endpoint.id} endpoint={endpoint} />
            ) : (
              <RunpodCard key={endpoint.id} endpoint={endpoint} setup={made.find(({ id }) => id === endpoint.id) ?? null} />
            ),
          )}
        {unfinished.map((setup) => (
          <SetupCard key={setup.id} setup={setup} />
        ))}
      </div>
      <AddRunpodDialog isOpen={isAdding} onClose={() => setAdding(false)} />
    </div>
  )
}
