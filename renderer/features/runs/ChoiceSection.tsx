import { useId, type ReactNode } from 'react'
import { Check } from 'lucide-react'
import { Button } from '../../ui/Button.tsx'

interface ChoiceSectionProps {
  readonly number: number
  readonly title: string
  /** What was decided, in one line; null while nothing is. */
  readonly summary: ReactNode
  readonly isReopened: boolean
  readonly onReopen: (isOpen: boolean) => void
  readonly children: ReactNode
}

/** One decision of a new run: open until it is made, then one line with a way back. */
export function ChoiceSection({ number, title, summary, isReopened, onReopen, children }: ChoiceSectionProps) {
  const titleId = useId()
  const isDecided = summary !== null
  const isOpen = !isDecided || isReopened
  return (
    <section className="choice" aria-labelledby={titleId} data-open={isOpen}>
      <header className="choice-head">
        <span className="choice-number" data-decided={isDecided} aria-hidden="true">
          {isDecided ? <Check size={12} /> : number}
        </span>
        <h2 id={titleId}>{title}</h2>
        <span className="choice-summary">{isDecided ? summary : null}</span>
        {isDecided && (
          <Button
            size="small"
            onClick={() => onReopen(!isReopened)}
            aria-label={isReopened ? `Keep ${title.toLowerCase()}` : `Change ${title.toLowerCase()}`}
          >
            {isReopened ? 'Keep' : 'Change'}
          </Button>
        )}
      </header>
      {isOpen && <div className="choice-body">{children}</div>}
    </section>
  )
}

interface ChoiceOptionProps {
  readonly title: ReactNode
  readonly detail: ReactNode
  readonly aside?: ReactNode
  readonly isChosen: boolean
  /** Why it cannot be chosen; null when it can. */
  readonly blockedReason?: string | null
  readonly onChoose: () => void
}

/** One thing to choose. */
export function ChoiceOption({ title, detail, aside, isChosen, blockedReason = null, onChoose }: ChoiceOptionProps) {
  return (
    <li>
      <button type="button" className="choice-option" aria-pressed={isChosen} disabled={blockedReason !== null} onClick={onChoose}>
        <span className="choice-option-title">{title}</span>
        {aside !== undefined && <span className="choice-option-aside">{aside}</span>}
        <span className="choice-option-detail">{blockedReason ?? detail}</span>
      </button>
    </li>
  )
}
