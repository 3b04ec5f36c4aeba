import type { Dataset, DuplicateGroup, DuplicateKind } from '../../../preload/contract/datasets.ts'
import { formatCount, formatPercent } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { countRows, splitNames } from './dataset-text.ts'
import { useDatasetEdits } from './edits.ts'

interface DuplicateGroupCardProps {
  readonly dataset: Dataset
  readonly group: DuplicateGroup
  readonly kind: DuplicateKind
}

/** Rows that belong together; the first is the one that stays. */
export function DuplicateGroupCard({ dataset, group, kind }: DuplicateGroupCardProps) {
  const { apply } = useDatasetEdits(dataset)
  const first = group.rows[0]
  const hasParts = group.rows.some(({ split }) => split !== null)
  return (
    <li className="duplicate-group">
      <table aria-label={first === undefined ? 'Group' : `Group of line ${formatCount(first.line)}`}>
        <colgroup>
          <col style={{ width: 76 }} />
          <col style={{ width: 96 }} />
          <col style={{ width: hasParts ? 88 : 0 }} />
          <col />
          <col style={{ width: 76 }} />
        </colgroup>
        <thead className="sr-only">
          <tr>
            <th scope="col">Line</th>
            <th scope="col">Likeness</th>
            <th scope="col">Part</th>
            <th scope="col">First words</th>
            <th scope="col">Action</th>
          </tr>
        </thead>
        <tbody>
          {group.rows.map((row, place) => (
            <tr key={row.row} data-state={row.state}>
              <th scope="row">{formatCount(row.line)}</th>
              <td className="duplicate-likeness">
                {place === 0 && kind !== 'same_prompt' ? 'first' : kind === 'same_prompt' ? 'same prompt' : formatPercent(row.similarity)}
              </td>
              <td className="duplicate-part">{row.split === null ? '' : splitNames[row.split]}</td>
              <td className="duplicate-first" dir="auto">
                {row.first}
              </td>
              <td className="duplicate-action">
                {row.state === 'dropped' ? (
                  <span className="field-hint">dropped</span>
                ) : (
                  <Button
                    size="small"
                    variant="ghost"
                    aria-label={`Drop line ${formatCount(row.line)}`}
                    disabled={apply.isPending}
                    onClick={() => apply.mutate({ kind: 'drop', choice: { kind: 'rows', rows: [row.row] } })}
                  >
                    Drop
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {group.total > group.rows.length && <p className="field-hint">and {countRows(group.total - group.rows.length)} more</p>}
    </li>
  )
}
