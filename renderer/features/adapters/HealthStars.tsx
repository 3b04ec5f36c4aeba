import { Star } from 'lucide-react'
import type { TrainingHealth } from '../../../preload/contract/adapters.ts'

const places = [1, 2, 3, 4, 5] as const

/** The stars in words. */
export function healthLabel({ stars }: TrainingHealth): string {
  return stars === null ? 'Training health not rated' : `Training health ${stars} of 5`
}

/** Training health as filled and hollow stars, or "Not rated" in words. */
export function HealthStars({ health }: { readonly health: TrainingHealth }) {
  const { stars } = health
  if (stars === null) return <span className="health-unrated">Not rated</span>
  return (
    <span className="health-stars">
      <span className="sr-only">{healthLabel(health)}</span>
      {places.map((place) => (
        <Star key={place} size={14} data-filled={place <= stars} aria-hidden="true" />
      ))}
    </span>
  )
}

/** The reasons behind the stars, with their numbers. */
export function HealthReasons({ health }: { readonly health: TrainingHealth }) {
  return (
    <div className="health-reasons">
      <p>{health.summary}</p>
      <ul>
        {health.reasons.map((reason) => (
          <li key={reason.id}>
            {reason.text}
            {reason.cap !== null && <span className="health-cap">at most {reason.cap === 1 ? '1 star' : `${reason.cap} stars`}</span>}
          </li>
        ))}
      </ul>
      <p className="health-scope">The stars rate how the training went, not how good the answers are. Read the samples for that.</p>
    </div>
  )
}
