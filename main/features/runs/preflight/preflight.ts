import type { Range } from '../../../../preload/contract/primitives.ts'
import type { PreflightItem, RunConfig } from '../../../../preload/contract/runs.ts'
import { systemClock, type Clock } from '../../../lib/clock.ts'
import type { EndpointFacts, RunPorts } from '../ports.ts'
import { datasetItem, hyperparametersItem, maskItem, modelItem } from './choice-items.ts'
import { endpointItem, gatedItem, remoteItems } from './endpoint-items.ts'
import { attempt, type Attempt } from './item.ts'
import { moneyItems, timeItem } from './money-items.ts'
import { monthProblem } from './month-check.ts'
import { diskItem, lookAtVolume, uploadItem } from './volume-items.ts'

type PreflightPorts = Pick<RunPorts, 'datasets' | 'endpoints' | 'models'> & { readonly costs?: Pick<RunPorts['costs'], 'month'> }

/**
 * Everything a run needs, checked before it starts; each red line has one thing to do about it. Nothing in here is billed.
 * `durationMs` is what the run is estimated to take; null where that is not known.
 */
export async function runPreflight(
  ports: PreflightPorts,
  config: RunConfig,
  durationMs: Range | null = null,
  clock: Clock = systemClock,
): Promise<PreflightItem[]> {
  await ports.endpoints.refresh?.(config.endpointId)
  const dataset = await attempt(() => ports.datasets.describe(config.datasetId))
  const model = await attempt(() => ports.models.describe(config.baseModel))
  const endpoint = await attempt(() => ports.endpoints.describe(config.endpointId))
  const look = await lookAtVolume(ports, config, dataset, clock)
  const isCached = 'value' in look ? look.value.isModelCached : null
  const items = [
    datasetItem(dataset),
    maskItem(dataset, config),
    modelItem(model, config, endpoint),
    gatedItem(model, endpoint, isCached),
    endpointItem(endpoint),
    ...remoteItems(endpoint),
    hyperparametersItem(config, dataset, model, endpoint),
    uploadItem(dataset, look, endpoint),
    diskItem(look, model, endpoint, config.hyperparameters.lora_r),
    timeItem(config, endpoint, durationMs, ports.costs?.month?.() ?? null),
    ...withMonth(moneyItems(config, endpoint, durationMs), ports, config, endpoint),
  ]
  return items.filter((item) => item !== null)
}

/** The month's budget is looked at once the run's own is in order, so that one line says one thing to do. */
function withMonth(items: PreflightItem[], ports: PreflightPorts, config: RunConfig, endpoint: Attempt<EndpointFacts>): PreflightItem[] {
  if ('error' in endpoint || items.some(({ isOk }) => !isOk)) return items
  const problem = monthProblem(ports.costs?.month?.() ?? null, config, endpoint.value)
  return problem === null ? items : [problem]
}
