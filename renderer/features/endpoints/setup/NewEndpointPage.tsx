import '../endpoints.css'
import './setup.css'
import { zodResolver } from '@hookform/resolvers/zod'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import type { SetupProposal } from '../../../../preload/contract/endpoint-setups.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { useKeychainStatus } from '../queries.ts'
import { AccountFields } from './AccountFields.tsx'
import { NeedFields } from './NeedFields.tsx'
import { Offers } from './Offers.tsx'
import { emptySetupForm, offersKey, setupFormSchema, toCreateInput, toNeed, type SetupForm } from './setup-form.ts'
import { useBaseModels, useSetupActions } from './setup-queries.ts'
import { SetupSummary } from './SetupSummary.tsx'

/** Lets the app make an endpoint: account and worker, base model, offer, and what all of it costs. */
export function NewEndpointPage() {
  const navigate = useNavigate()
  const models = useBaseModels()
  const keychain = useKeychainStatus()
  const { propose, create } = useSetupActions()
  const form = useForm<SetupForm>({ resolver: zodResolver(setupFormSchema), defaultValues: emptySetupForm })
  const [asked, setAsked] = useState<string | null>(null)
  const [chosen, setChosen] = useState<SetupProposal | null>(null)
  const isCurrent = asked === offersKey(form.watch())
  const found = isCurrent ? propose.data : undefined
  const offer = found === undefined ? null : chosen

  const ask = form.handleSubmit((values) => {
    setAsked(offersKey(values))
    setChosen(null)
    propose.mutate({ apiKey: values.apiKey, need: toNeed(values) }, { onSuccess: ({ proposals }) => setChosen(proposals[0] ?? null) })
  })
  const make = form.handleSubmit((values) => {
    if (offer === null) return
    create.mutate({ ...toCreateInput(values), proposal: offer }, { onSuccess: () => void navigate({ to: '/endpoints' }) })
  })
  return (
    <div className="setup-page">
      <form className="setup-form" onSubmit={(event) => void ask(event)} autoComplete="off" noValidate>
        {keychain.data !== undefined && <p className="field-hint">{keychain.data.message}</p>}
        <AccountFields form={form} />
        <NeedFields form={form} models={models.data ?? []} isAsking={propose.isPending} />
        {isCurrent && propose.error !== null && (
          <p role="alert" className="field-error">
            {describeError(propose.error)}
          </p>
        )}
        {found !== undefined && <Offers offers={found.proposals} basis={found.basis} chosen={offer} onChoose={setChosen} />}
      </form>
      <SetupSummary
        offer={offer}
        balanceMicroUsd={found?.balanceMicroUsd ?? null}
        isCreating={create.isPending}
        error={create.error}
        onCreate={() => void make()}
      />
    </div>
  )
}
