import './badge.css'
import type { ReactNode } from 'react'

/** How a state is coloured; its icon and word carry the meaning. */
export type BadgeTone = 'good' | 'warn' | 'bad' | 'active' | 'quiet'

interface BadgeProps {
  readonly tone: BadgeTone
  readonly icon: ReactNode
  readonly text: string
}

/** A state in one or two words: shape and word say it, colour repeats it. */
export function Badge({ tone, icon, text }: BadgeProps) {
  return (
    <span className="badge" data-tone={tone}>
      <span aria-hidden="true">{icon}</span>
      {text}
    </span>
  )
}
