import type { Run } from '../../../preload/contract/runs.ts'
import { buildRunTiles } from './run-tiles.ts'
import { useNow } from './use-now.ts'

/** The figures beside the chart. */
export function RunTiles({ run }: { readonly run: Run }) {
  const nowMs = useNow(run.endedAtMs === null)
  return (
    <dl className="run-tiles" aria-label="Figures of the run">
      {buildRunTiles(run, nowMs).map((tile) => (
        <div key={tile.id} data-testid={`tile-${tile.id}`}>
          <dt>{tile.label}</dt>
          <dd>
            <span className="run-tile-value">{tile.value}</span>
            {tile.note !== null && (
              <span className="run-tile-note" title={tile.note}>
                {tile.note}
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  )
}
