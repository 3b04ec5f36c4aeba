import type { Endpoint } from '../../../preload/contract/endpoints.ts'
import { formatMoney } from '../../lib/format.ts'
import { ChoiceOption } from './ChoiceSection.tsx'

interface EndpointChoiceProps {
  readonly endpoints: readonly Endpoint[]
  readonly chosenId: string | null
  readonly onChoose: (id: string) => void
}

/** Where the run is carried out; an endpoint that cannot train yet says why. */
export function EndpointChoice({ endpoints, chosenId, onChoose }: EndpointChoiceProps) {
  return (
    <ul className="choice-options">
      {endpoints.map((endpoint) => (
        <ChoiceOption
          key={endpoint.id}
          title={endpoint.name}
          detail={describeEndpoint(endpoint)}
          isChosen={endpoint.id === chosenId}
          blockedReason={
            endpoint.canTrain ? null : (endpoint.cannotTrainReason ?? 'It cannot train at the moment. Open Endpoints to see why.')
          }
          onChoose={() => onChoose(endpoint.id)}
        />
      ))}
    </ul>
  )
}

/** What an endpoint is, in one line. */
export function describeEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'local') return 'Your data stays here. No charge.'
  const price = endpoint.remote?.pricePerHourMicroUsd ?? null
  const gpu = endpoint.remote?.gpu ?? `RunPod endpoint ${endpoint.runpodEndpointId ?? ''}`
  return price === null
    ? `${gpu}, charged by the second; the price is not known.`
    : `${gpu}, ${formatMoney(price)} an hour, charged by the second.`
}
