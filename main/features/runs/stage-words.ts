import type { WorkerStage } from '../../../preload/contract/worker-events.ts'

/** A worker's stage in words. */
export function stageLabel(stage: WorkerStage): string {
  return labels[stage]
}

const labels: Readonly<Record<WorkerStage, string>> = {
  preparing: 'Preparing the data',
  loading_model: 'Loading the base model',
  evaluating_base: 'Measuring the base model',
  training: 'Training',
  saving: 'Saving',
  packaging: 'Packaging the adapter',
}

/** How far a stage is, in words; null when the worker gave nothing to show. */
export function stageProgressText(progress: {
  detail?: string | undefined
  done?: number | undefined
  total?: number | undefined
  unit?: 'bytes' | 'rows' | 'steps' | undefined
}): string | null {
  const { detail, done, total, unit } = progress
  const amount = done === undefined ? null : amountText(done, total, unit)
  if (detail !== undefined && detail !== '') return amount === null ? detail : `${detail}: ${amount}`
  return amount
}

function amountText(done: number, total: number | undefined, unit: 'bytes' | 'rows' | 'steps' | undefined): string {
  if (unit === 'bytes') return total === undefined ? bytesText(done) : `${bytesText(done)} of ${bytesText(total)}`
  const numbers = total === undefined ? whole(done) : `${whole(done)} of ${whole(total)}`
  return unit === undefined ? numbers : `${numbers} ${unit}`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** A size with its unit, decimal as file managers show it. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** power).toPrecision(3)} ${units[power - 1] ?? 'B'}`
}
