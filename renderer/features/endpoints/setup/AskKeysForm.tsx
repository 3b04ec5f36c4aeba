import { useState } from 'react'
import type { RouteInput } from '../../../../preload/contract/contract.ts'
import { Button } from '../../../ui/Button.tsx'
import { FormField } from '../../../ui/FormField.tsx'

type Keys = Partial<Pick<RouteInput<'endpointSetups.continue'>, 'apiKey' | 's3Keys'>>

interface AskKeysFormProps {
  readonly asksFor: 'api_key' | 's3_keys'
  readonly isPending: boolean
  readonly onGiven: (keys: Keys) => void
}

/** Asks anew for keys that RunPod has refused. */
export function AskKeysForm({ asksFor, isPending, onGiven }: AskKeysFormProps) {
  const [first, setFirst] = useState('')
  const [secret, setSecret] = useState('')
  const isS3 = asksFor === 's3_keys'
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault()
    onGiven(isS3 ? { s3Keys: { accessKeyId: first, secret } } : { apiKey: secret })
  }
  return (
    <form className="endpoint-form" onSubmit={submit} autoComplete="off">
      {isS3 && (
        <FormField label="S3 access key id">
          {(field) => <input {...field} value={first} onChange={(event) => setFirst(event.target.value)} spellCheck={false} />}
        </FormField>
      )}
      <FormField label={isS3 ? 'S3 secret' : 'API key'}>
        {(field) => (
          <input {...field} type="password" value={secret} onChange={(event) => setSecret(event.target.value)} spellCheck={false} />
        )}
      </FormField>
      <div>
        <Button type="submit" variant="primary" disabled={isPending}>
          Go on
        </Button>
      </div>
    </form>
  )
}
