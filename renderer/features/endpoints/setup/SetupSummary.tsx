import { greetingLimitMs } from '../../../../preload/contract/endpoints.ts'
import type { SetupProposal } from '../../../../preload/contract/endpoint-setups.ts'
import { describeError } from '../../../lib/describe-error.ts'
import { formatMoney } from '../../../lib/format.ts'
import { Button } from '../../../ui/Button.tsx'

interface SetupSummaryProps {
  readonly offer: SetupProposal | null
  readonly balanceMicroUsd: number | null
  readonly isCreating: boolean
  readonly error: unknown
  readonly onCreate: () => void
}

/** The most the first greeting may cost: its longest time at the dearest price of the offer. */
export function greetingCost({ highestPricePerHourMicroUsd }: SetupProposal): number {
  return Math.ceil((highestPricePerHourMicroUsd * greetingLimitMs) / 3_600_000)
}

/** What is made and what it costs, before the button that makes it. */
export function SetupSummary({ offer, balanceMicroUsd, isCreating, error, onCreate }: SetupSummaryProps) {
  return (
    <aside className="setup-summary" aria-label="What is made">
      <h2>What is made</h2>
      {offer === null ? (
        <p className="field-hint">Choose an offer to see what is made in your account and what it costs. Until then nothing is.</p>
      ) : (
        <Costs offer={offer} balanceMicroUsd={balanceMicroUsd} />
      )}
      {error !== null && (
        <p role="alert" className="field-error">
          {describeError(error)}
        </p>
      )}
      <Button
        variant="primary"
        aria-disabled={offer === null || isCreating}
        onClick={() => {
          if (offer !== null && !isCreating) onCreate()
        }}
      >
        {isCreating ? 'Starting' : offer === null ? 'Create' : `Create, first start at most ${formatMoney(greetingCost(offer))}`}
      </Button>
    </aside>
  )
}

function Costs({ offer, balanceMicroUsd }: { readonly offer: SetupProposal; readonly balanceMicroUsd: number | null }) {
  const { volumeGb, dataCentreId, volumePerMonthMicroUsd, pricePerHourMicroUsd, highestPricePerHourMicroUsd, gpuLabel } = offer
  const perHour = formatMoney(pricePerHourMicroUsd)
  const dearest = highestPricePerHourMicroUsd > pricePerHourMicroUsd ? `, up to ${formatMoney(highestPricePerHourMicroUsd)}` : ''
  const month = volumePerMonthMicroUsd === null ? 'RunPod names no price for this tier' : `${formatMoney(volumePerMonthMicroUsd)} a month`
  return (
    <dl className="setup-costs">
      <div>
        <dt>{`Network volume, ${volumeGb} GB in ${dataCentreId}`}</dt>
        <dd>{`${month}, from now until it is deleted, used or not`}</dd>
      </div>
      <div>
        <dt>{`Endpoint with ${gpuLabel}`}</dt>
        <dd>{`Nothing while idle; ${perHour} an hour${dearest} while a worker runs`}</dd>
      </div>
      <div>
        <dt>First start of the worker</dt>
        <dd>{`It installs itself and says its version: usually minutes, at most ${greetingLimitMs / 60_000} min or ${formatMoney(greetingCost(offer))}`}</dd>
      </div>
      <div>
        <dt>Template</dt>
        <dd>Costs nothing</dd>
      </div>
      {balanceMicroUsd !== null && (
        <div>
          <dt>Your balance</dt>
          <dd>{formatMoney(balanceMicroUsd)}</dd>
        </div>
      )}
    </dl>
  )
}
