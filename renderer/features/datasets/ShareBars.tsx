import { KeyRound, Quote, ShieldAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { DatasetOverview } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { describeShare } from './dataset-text.ts'

interface Share {
  readonly name: string
  readonly title: string
  readonly rows: number
}

interface ShareBarsProps {
  readonly title: string
  readonly note?: string | undefined
  /** Null while they have not been computed. */
  readonly shares: readonly Share[] | null
  readonly missingText: string
  readonly onChoose?: (name: string) => void
}

const mostShown = 8

/** How rows are divided, the largest share first. */
export function ShareBars({ title, note, shares, missingText, onChoose }: ShareBarsProps) {
  const sorted = (shares ?? []).toSorted((a, b) => b.rows - a.rows)
  const all = sorted.reduce((sum, { rows }) => sum + rows, 0)
  return (
    <section className="card share-bars" aria-label={title}>
      <header>
        <h3>{title}</h3>
        {note !== undefined && <span>{note}</span>}
      </header>
      {shares === null && <p className="field-hint">{missingText}</p>}
      {shares !== null && sorted.length === 0 && <p className="field-hint">None found.</p>}
      <ul>
        {sorted.slice(0, mostShown).map((share) => (
          <li key={share.name}>
            <ShareName share={share} {...(onChoose === undefined ? {} : { onChoose })} />
            <span className="share-bar" aria-hidden="true">
              <i style={{ width: `${(share.rows / Math.max(1, all)) * 100}%` }} />
            </span>
            <span className="share-count">{formatCount(share.rows)}</span>
            <span className="share-percent">{describeShare(share.rows, all)}</span>
          </li>
        ))}
      </ul>
      {sorted.length > mostShown && <p className="field-hint">and {formatCount(sorted.length - mostShown)} more</p>}
    </section>
  )
}

function ShareName({ share, onChoose }: { readonly share: Share; readonly onChoose?: (name: string) => void }) {
  if (onChoose === undefined) return <span className="share-name">{share.title}</span>
  return (
    <button type="button" className="share-name link-button" onClick={() => onChoose(share.name)}>
      {share.title}
      <span className="sr-only">: show the rows</span>
    </button>
  )
}

type Flag = NonNullable<DatasetOverview['flags']>[number]
const flagGroups: readonly { readonly group: Flag['group']; readonly title: string; readonly icon: ReactNode }[] = [
  { group: 'privacy', title: 'Private data', icon: <ShieldAlert size={14} /> },
  { group: 'secret', title: 'Secrets', icon: <KeyRound size={14} /> },
  { group: 'quality', title: 'Quality', icon: <Quote size={14} /> },
]

interface FlagListProps {
  /** Null while the rows have not been scanned. */
  readonly flags: DatasetOverview['flags']
  readonly missingText: string
  readonly onChoose: (flag: string) => void
}

/** What was found in the texts; each leads to its rows and nothing is taken out by itself. */
export function FlagList({ flags, missingText, onChoose }: FlagListProps) {
  return (
    <section className="card flag-list" aria-label="Found in the texts">
      <header>
        <h3>Found in the texts</h3>
      </header>
      {flags === null && <p className="field-hint">{missingText}</p>}
      {flags !== null &&
        flagGroups.map(({ group, title, icon }) => {
          const found = flags.filter((flag) => flag.group === group && flag.rows > 0)
          return (
            <div key={group}>
              <h4>
                <span aria-hidden="true">{icon}</span>
                {title}
              </h4>
              {found.length === 0 && <p className="field-hint">Nothing found.</p>}
              <ul>
                {found.map((flag) => (
                  <li key={flag.name}>
                    <button type="button" className="link-button" onClick={() => onChoose(flag.name)}>
                      {flag.title}
                    </button>
                    <span className="share-count">
                      {formatCount(flag.rows)} {flag.rows === 1 ? 'row' : 'rows'}
                    </span>
                  </li>
                ))}
              </ul>
            </div>
          )
        })}
    </section>
  )
}
