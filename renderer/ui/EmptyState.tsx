import './states.css'
import type { ReactNode } from 'react'

interface EmptyStateProps {
  readonly icon?: ReactNode
  readonly title: string
  readonly body: string
  readonly action?: ReactNode
}

/** What a page shows before there is anything: the next step, as a button. */
export function EmptyState({ icon, title, body, action }: EmptyStateProps) {
  return (
    <section className="empty-state">
      {icon !== undefined && <span className="empty-state-icon">{icon}</span>}
      <h2>{title}</h2>
      <p>{body}</p>
      {action !== undefined && <div className="empty-state-actions">{action}</div>}
    </section>
  )
}
