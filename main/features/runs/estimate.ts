import type { Range } from '../../../preload/contract/primitives.ts'
import type { Estimate } from '../../../preload/contract/runs.ts'
import { forecastRun, type Forecast, type ForecastInput } from './estimate/forecast.ts'
import { rangeOf } from './estimate/likely.ts'
import { rowsPerStep, workloadOf, type Workload } from './estimate/workload.ts'

/** What an estimate is made from. */
export interface EstimateInput extends ForecastInput {
  /** Of all GPUs of one worker together; null where nothing is charged or the price is not known. */
  readonly priceMicroUsdPerHour?: number | null
}

const fewSteps = 20
const hourMs = 3_600_000
/** A worker is billed on until it has been idle for this long. */
const idleMs = 5_000

/** What a run will do, take and cost; what cannot be computed is left out and said so. */
export function estimateRun(input: EstimateInput): Estimate {
  const workload = workloadOf(input.dataset, input.hyperparameters)
  const forecast = forecastRun(input, workload)
  return {
    rows: workload.rowsTrain,
    rowsEval: workload.rowsEval,
    tokens: rangeOf(workload.tokensOfRows),
    steps: workload.steps,
    stepsPerEpoch: workload.stepsPerEpoch,
    durationMs: forecast === null ? null : rangeOf(forecast.durationMs),
    costMicroUsd: costOf(input, forecast),
    pace: forecast === null ? null : { basis: forecast.basis, sentence: forecast.sentence },
    basis: [
      { figure: 'tokens', text: tokensText(workload) },
      { figure: 'steps', text: stepsText(workload, input) },
      { figure: 'time', text: timeText(input, forecast) },
      { figure: 'cost', text: costText(input, forecast) },
    ],
    warnings: warningsFor(workload),
  }
}

/** The price of a span of time, idle time-out included, rounded up to whole micro-dollars. */
function priceOf(durationMs: number, priceMicroUsdPerHour: number): number {
  return Math.ceil(((durationMs + idleMs) * priceMicroUsdPerHour) / hourMs)
}

function costOf({ endpointKind, priceMicroUsdPerHour = null }: EstimateInput, forecast: Forecast | null): Range | null {
  if (endpointKind === 'local') return { low: 0, high: 0 }
  if (forecast === null || priceMicroUsdPerHour === null) return null
  const { low, high } = forecast.durationMs
  return { low: priceOf(low, priceMicroUsdPerHour), high: priceOf(high, priceMicroUsdPerHour) }
}

function tokensText({ tokenSource, isCut }: Workload): string {
  const cut = isCut ? ' Rows over the longest length are cut, which the time allows for.' : ''
  switch (tokenSource) {
    case 'counted':
      return `Counted with the tokenizer of this model.${cut}`
    case 'similar':
      return `Counted with the tokenizer of another model; this one may differ by about a tenth.${cut}`
    case 'guessed':
      return 'Characters of the valid rows at 3 to 5 per token; the exact number is known after loading.'
  }
}

function stepsText({ rowsTrain }: Workload, { hyperparameters }: EstimateInput): string {
  const epochs = hyperparameters.num_train_epochs === 1 ? '1 epoch' : `${hyperparameters.num_train_epochs} epochs`
  const cut = hyperparameters.max_steps === null ? '' : `, at most ${hyperparameters.max_steps}`
  return `${rowsTrain} training rows ÷ ${rowsPerStep(hyperparameters)} per step × ${epochs}${cut}.`
}

function timeText({ endpointKind }: EstimateInput, forecast: Forecast | null): string {
  if (forecast === null) {
    const place = endpointKind === 'local' ? 'this computer' : 'this endpoint'
    return `No run of this model on ${place} yet; time is known after the first steps.`
  }
  if (endpointKind === 'local') return forecast.sentence
  return `${forecast.sentence} Waiting for a GPU and the first download of the worker's image come on top.`
}

function costText({ endpointKind, priceMicroUsdPerHour = null }: EstimateInput, forecast: Forecast | null): string {
  if (endpointKind === 'local') return 'No charge; runs on this computer.'
  if (priceMicroUsdPerHour === null) return 'The price of this endpoint is not known here.'
  const perHour = `$${(priceMicroUsdPerHour / 1e6).toFixed(2)} per hour`
  if (forecast === null) return `${perHour}; the cost is known with the time.`
  return `Time × ${perHour}, from the start of the worker to its idle time-out. Storage is charged apart.`
}

function warningsFor({ steps, rowsEval }: Workload): string[] {
  const warnings: string[] = []
  if (steps < fewSteps)
    warnings.push(`Only ${steps} steps: the adapter will have learnt little. Lower the batch size or add conversations.`)
  if (rowsEval === 0) warnings.push('No rows are held out, so there is no evaluation and the result is not rated.')
  return warnings
}
