import type { ModelFacts } from '../../../../preload/contract/models.ts'
import type { RunConfig } from '../../../../preload/contract/runs.ts'
import type { DatasetFacts, EndpointFacts } from '../ports.ts'
import type { EstimateFacts } from './estimator.ts'

/** What the estimate of a configuration rests on, from what its parts are now. */
export function estimateFacts(config: RunConfig, dataset: DatasetFacts, model: ModelFacts, endpoint: EndpointFacts): EstimateFacts {
  const { kind, gpu, priceMicroUsdPerHour } = endpoint
  return { config, dataset, model, endpointKind: kind, gpu, priceMicroUsdPerHour, isModelCached: null }
}
