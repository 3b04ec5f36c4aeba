import { useCallback, useId, useRef, useState } from 'react'
import { FileSpreadsheet, Image, RotateCcw, Table2 } from 'lucide-react'
import { Button } from '../ui/Button.tsx'
import { SegmentedControl } from '../ui/SegmentedControl.tsx'
import type { Curve } from './curve.ts'
import { pictureFileName, saveAsPng } from './export-png.ts'
import { LossChart } from './LossChart.tsx'
import type { PlotHandle } from './LossPlot.tsx'
import { MetricTable } from './MetricTable.tsx'
import type { XAxis } from './plot-data.ts'
import { useThemeKey } from './theme-key.ts'

interface LossPanelProps {
  readonly title: string
  readonly train: Curve
  readonly evals: Curve
  readonly checkpoints: readonly { readonly step: number; readonly isBest: boolean }[]
  readonly startMs: number
  readonly smoothing: number
  readonly onSmoothing: (value: number) => void
  readonly onExportCsv: () => void
  /** Stands in place of the chart while there is nothing to draw; null draws it. */
  readonly emptyText: string | null
}

const axes = [
  { value: 'step', title: 'Step' },
  { value: 'time', title: 'Time' },
  { value: 'tokens', title: 'Tokens' },
] as const
const scales = [
  { value: 'linear', title: 'Linear' },
  { value: 'log', title: 'Log' },
] as const

/** The loss curve with everything one can do to it. */
export function LossPanel(props: LossPanelProps) {
  const { title, train, evals, checkpoints, startMs, smoothing, onSmoothing, onExportCsv, emptyText } = props
  const [axis, setAxis] = useState<XAxis>('step')
  const [scale, setScale] = useState<'linear' | 'log'>('linear')
  const [isTable, setTable] = useState(false)
  const [isZoomed, setZoomed] = useState(false)
  const themeKey = useThemeKey()
  const plot = useRef<PlotHandle | null>(null)
  const keepPlot = useCallback((handle: PlotHandle | null) => {
    plot.current = handle
  }, [])
  const savePicture = () => {
    if (plot.current !== null)
      void saveAsPng(plot.current.canvas, {
        title,
        caption: 'Solid: training loss, smoothed over the faint raw loss. Dashed with dots: held-out loss.',
        fileName: pictureFileName(title),
      })
  }
  return (
    <section className="loss-panel" aria-label="Loss">
      <div className="loss-panel-bar">
        <SegmentedControl label="Horizontal axis" options={axes} value={axis} onChange={setAxis} />
        <SegmentedControl label="Vertical axis" options={scales} value={scale} onChange={setScale} />
        <SmoothingSlider value={smoothing} onChange={onSmoothing} />
        <span className="loss-panel-actions">
          <Button
            size="small"
            onClick={() => plot.current?.resetZoom()}
            disabled={!isZoomed || isTable}
            aria-label="Reset zoom"
            title="Show the whole curve again"
          >
            <RotateCcw size={14} aria-hidden="true" />
          </Button>
          <Button size="small" onClick={savePicture} disabled={isTable || emptyText !== null} aria-label="Save the curve as PNG">
            <Image size={14} aria-hidden="true" />
            PNG
          </Button>
          <Button size="small" onClick={onExportCsv} disabled={emptyText !== null} aria-label="Save the values as CSV">
            <FileSpreadsheet size={14} aria-hidden="true" />
            CSV
          </Button>
          <Button size="small" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
            <Table2 size={14} aria-hidden="true" />
            Table
          </Button>
        </span>
      </div>
      {isTable ? (
        <MetricTable train={train} evals={evals} />
      ) : emptyText !== null ? (
        <p className="loss-panel-empty">{emptyText}</p>
      ) : (
        <LossChart
          train={train}
          evals={evals}
          checkpoints={checkpoints}
          axis={axis}
          isLogarithmic={scale === 'log'}
          smoothing={smoothing}
          startMs={startMs}
          themeKey={themeKey}
          onPlot={keepPlot}
          onZoom={setZoomed}
        />
      )}
    </section>
  )
}

function SmoothingSlider({ value, onChange }: { readonly value: number; readonly onChange: (value: number) => void }) {
  const id = useId()
  return (
    <span className="loss-panel-smoothing">
      <label htmlFor={id}>Smoothing</label>
      <input id={id} type="range" min={0} max={0.99} step={0.01} value={value} onChange={(event) => onChange(Number(event.target.value))} />
      <output htmlFor={id}>{value.toFixed(2)}</output>
    </span>
  )
}
