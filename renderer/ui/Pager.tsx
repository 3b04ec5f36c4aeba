import './pager.css'
import { formatCount } from '../lib/format.ts'
import { Button } from './Button.tsx'

interface PagerProps {
  readonly offset: number
  readonly pageSize: number
  readonly total: number
  readonly onChange: (offset: number) => void
}

/** Moves through a long list page by page; hidden when there is one page. */
export function Pager({ offset, pageSize, total, onChange }: PagerProps) {
  if (total <= pageSize) return null
  const last = Math.min(total, offset + pageSize)
  return (
    <nav className="pager" aria-label="Pages of the list">
      <Button size="small" disabled={offset === 0} onClick={() => onChange(Math.max(0, offset - pageSize))}>
        Earlier
      </Button>
      <span>
        {formatCount(offset + 1)}–{formatCount(last)} of {formatCount(total)}
      </span>
      <Button size="small" disabled={last >= total} onClick={() => onChange(offset + pageSize)}>
        Later
      </Button>
    </nav>
  )
}
