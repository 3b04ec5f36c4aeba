import './badge.css'
import type { ReactNode } from 'react'

interface BadgeProps {
  readonly tone: 'good' | 'warn' | 'bad' | 'active' | 'quiet'
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
