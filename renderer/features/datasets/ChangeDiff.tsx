import { useMemo } from 'react'
import type { RowChange } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { breakJson } from './json-text.ts'
import { diffLines, type DiffLine } from './line-diff.ts'

const marks: Readonly<Record<DiffLine['kind'], string>> = { same: ' ', removed: '−', added: '+', gap: ' ' }
const words: Readonly<Record<DiffLine['kind'], string>> = { same: '', removed: 'before: ', added: 'after: ', gap: '' }

/** A row before and after a change; signs say what colour repeats. */
export function ChangeDiff({ change }: { readonly change: RowChange }) {
  const { before, after, line } = change
  return (
    <section className="change-diff" aria-label={`Line ${formatCount(line)}`}>
      <p className="change-line">Line {formatCount(line)}</p>
      {before === null && <p className="field-hint">The row was dropped before.</p>}
      {after === null ? <p className="field-hint">The row is dropped.</p> : <DiffText before={before ?? ''} after={after} />}
    </section>
  )
}

function DiffText({ before, after }: { readonly before: string; readonly after: string }) {
  const lines = useMemo(() => diffLines(breakJson(before), breakJson(after)), [before, after])
  return (
    // Lines of a comparison have no identity but their place.
    <ol className="diff-lines">
      {lines.map((line, index) => (
        <li key={index} data-kind={line.kind}>
          <span aria-hidden="true">{marks[line.kind]}</span>
          <code>
            <span className="sr-only">{words[line.kind]}</span>
            {line.parts.map((part, place) => (part.isChanged && line.kind !== 'same' ? <mark key={place}>{part.text}</mark> : part.text))}
          </code>
        </li>
      ))}
    </ol>
  )
}
