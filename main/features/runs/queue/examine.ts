import { AppError } from '../../../../preload/contract/errors.ts'
import type { Estimate, RunConfig } from '../../../../preload/contract/runs.ts'
import type { RunEstimator } from '../estimate/estimator.ts'
import { estimateFacts } from '../estimate/run-facts.ts'
import type { RunPorts } from '../ports.ts'
import { attempt } from '../preflight/item.ts'
import { runPreflight } from '../preflight/preflight.ts'
import type { RunRepository } from '../repository.ts'
import type { Offer } from './rules.ts'

/** Asks everything that has to be known before a waiting run may start; null when the run is gone. */
export type Examine = (runId: string) => Promise<Offer | null>

interface ExamineDependencies {
  readonly runs: RunRepository
  readonly ports: RunPorts
  readonly estimator: RunEstimator
}

/** Starting a worker and loading a model take a few minutes: less money than for these is wasted. */
const shortestMs = 5 * 60_000
const hourMs = 3_600_000

/** Builds the questions: preflight, price and estimate as they are now, not as they were when the run was added. */
export function createExamine({ runs, ports, estimator }: ExamineDependencies): Examine {
  const estimateOf = async (config: RunConfig): Promise<Estimate> => {
    const dataset = await ports.datasets.describe(config.datasetId)
    const model = await ports.models.describe(config.baseModel)
    const endpoint = await ports.endpoints.describe(config.endpointId)
    return estimator.estimate(estimateFacts(config, dataset, model, endpoint))
  }

  return async (runId) => {
    const run = runs.find(runId)
    if (run === undefined) return null
    const estimated = await attempt(() => estimateOf(run.config))
    const durationMs = 'value' in estimated ? estimated.value.durationMs : null
    const red = (await runPreflight(ports, run.config, durationMs)).find(({ isOk }) => !isOk)
    const blocked = { endpointName: run.state.facts.endpointName, priceMicroUsdPerHour: null, leastMicroUsd: 0 }
    if (red !== undefined) return { ...blocked, red: { text: red.text, advice: red.fix ?? 'Correct it under New run.' } }
    try {
      const { name, kind, priceMicroUsdPerHour } = await ports.endpoints.describe(run.config.endpointId)
      const price = kind === 'local' ? null : priceMicroUsdPerHour
      const shortest = Math.ceil(((price ?? 0) * shortestMs) / hourMs)
      const leastMicroUsd = kind === 'local' ? 0 : Math.max(shortest, (await estimateOf(run.config)).costMicroUsd?.high ?? 0)
      return { red: null, endpointName: name, priceMicroUsdPerHour: price, leastMicroUsd }
    } catch (problem) {
      if (!(problem instanceof AppError)) throw problem
      return { ...blocked, red: { text: problem.message, advice: 'Correct it under Endpoints or Datasets; it is tried again.' } }
    }
  }
}
