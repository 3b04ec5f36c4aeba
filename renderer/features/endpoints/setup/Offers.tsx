import { useEffect, useRef } from 'react'
import type { SetupProposal } from '../../../../preload/contract/endpoint-setups.ts'
import { formatMoment, formatMoney } from '../../../lib/format.ts'

interface OffersProps {
  readonly offers: readonly SetupProposal[]
  readonly basis: string
  readonly chosen: SetupProposal | null
  readonly onChoose: (offer: SetupProposal) => void
}

/** What RunPod can serve now, cheapest first. */
export function Offers({ offers, basis, chosen, onChoose }: OffersProps) {
  const pricedAtMs = offers[0]?.pricedAtMs
  const section = useRef<HTMLFieldSetElement>(null)
  // They appear below the button that asked for them, out of sight in a low window.
  useEffect(() => section.current?.scrollIntoView({ block: 'nearest' }), [])
  return (
    <fieldset className="setup-section" ref={section}>
      <legend>Offers</legend>
      <p className="field-hint">{basis}</p>
      {offers.length === 0 ? (
        <p role="status">
          RunPod has no GPU of this size free now in a data centre with S3. Try 4 bits or a smaller model, or ask again later.
        </p>
      ) : (
        <ul className="setup-offers">
          {offers.map((offer) => (
            <li key={`${offer.dataCentreId}/${offer.poolIds.join()}`}>
              <label className="setup-offer">
                <input type="radio" name="offer" checked={chosen === offer} onChange={() => onChoose(offer)} />
                <span className="setup-offer-title">{`${offer.gpuLabel} in ${offer.dataCentreId}`}</span>
                <span className="setup-offer-price">{`${formatMoney(offer.pricePerHourMicroUsd)} an hour`}</span>
                <span className="setup-offer-detail">{detailOf(offer)}</span>
              </label>
            </li>
          ))}
        </ul>
      )}
      {pricedAtMs !== undefined && <p className="field-hint">{`List prices of RunPod, read ${formatMoment(pricedAtMs)}.`}</p>}
    </fieldset>
  )
}

function detailOf({ compliance, why }: SetupProposal): string {
  return compliance.length === 0 ? why : `${why} Audited for ${compliance.join(', ')}.`
}
