import { AppError } from '../../../preload/contract/errors.ts'
import type { Run, RunConfig } from '../../../preload/contract/runs.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import { assertHyperparameters } from './config-check.ts'
import type { RunEngine } from './engine.ts'
import type { RunEstimator } from './estimate/estimator.ts'
import { estimateFacts } from './estimate/run-facts.ts'
import type { EndpointFacts, RunPorts } from './ports.ts'
import { monthProblem } from './preflight/month-check.ts'

interface MakerDependencies {
  readonly ports: RunPorts
  readonly engine: RunEngine
  readonly estimator: RunEstimator
  readonly newId: NewId
  readonly clock: Clock
  read(id: string): Run
}

/** Makes a run out of a configuration, started at once or added to the queue. */
export type MakeRun = (
  config: RunConfig,
  name: string,
  options: { readonly retryOf: string | null; readonly isQueued: boolean },
) => Promise<Run>

/** Builds the maker; what would certainly fail or overspend is refused although the window has checked it. */
export function createRunMaker({ ports, engine, estimator, newId, clock, read }: MakerDependencies): MakeRun {
  return async (config, name, { retryOf, isQueued }) => {
    const dataset = await ports.datasets.describe(config.datasetId)
    if (!dataset.isTrainable) {
      throw new AppError('DATASET_NOT_READY', `${dataset.name} is not ready for training. Open it and look at its issues.`)
    }
    const model = await ports.models.describe(config.baseModel)
    const endpoint = await ports.endpoints.describe(config.endpointId)
    // What waits in the queue is looked at again when its turn comes.
    if (!isQueued) assertReady(endpoint)
    assertHyperparameters(config.hyperparameters, { model, endpoint, validRows: dataset.validRows })
    // A queued run is held against the month when its turn comes.
    const month = endpoint.kind === 'local' || isQueued ? null : (ports.costs.month?.() ?? null)
    const problem = monthProblem(month, config, endpoint)
    if (problem !== null) throw new AppError('RUN_CONFIG_INVALID', `${problem.text} ${problem.fix ?? ''}`.trim())
    const id = newId()
    const facts = {
      datasetName: dataset.name,
      datasetRows: dataset.validRows,
      baseModelLabel: model.label,
      endpointName: endpoint.name,
      endpointKind: endpoint.kind,
      priceMicroUsdPerHour: endpoint.kind === 'local' ? null : endpoint.priceMicroUsdPerHour,
      retryOf,
      monthShareMicroUsd: month?.leftMicroUsd ?? null,
    }
    const fullName = name === '' ? `${model.label.split('/').at(-1)} · ${dataset.name} · ${config.preset}`.slice(0, 200) : name
    engine.create({ id, name: fullName, config }, isQueued ? { type: 'created', facts, isQueued } : { type: 'created', facts })
    estimator.remember(id, estimateFacts(config, dataset, model, endpoint), clock.nowMs())
    return read(id)
  }
}

function assertReady({ canTrain, reason, name, worker }: EndpointFacts): void {
  if (!canTrain) throw new AppError('ENDPOINT_NOT_READY', reason ?? `${name} cannot train now. Open Endpoints.`)
  if (worker?.state === 'unusable') throw new AppError('ENDPOINT_NOT_READY', `${worker.text} ${worker.advice ?? ''}`.trim())
}
