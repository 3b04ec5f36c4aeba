import type { BaseModelRef, ModelFacts } from '../../../../preload/contract/models.ts'
import type { Estimate, RunConfig } from '../../../../preload/contract/runs.ts'
import { estimateRun } from '../estimate.ts'
import type { DatasetFacts } from '../ports.ts'
import type { StoredRun } from '../repository.ts'
import { forecastRun, type ForecastInput } from './forecast.ts'
import { activeParametersOf, gpuClassOf, isMixture } from './gpu-speed.ts'
import type { PaceRecord } from './pace.ts'
import type { TokenFacts } from './workload.ts'
import type { EndedRun, ForecastRepository, Place } from './repository.ts'

/** The GPU of a worker and how many of them share a step. */
export interface GpuFacts {
  readonly name: string
  readonly count: number
}

/** What the app knows about a run before it starts. */
export interface EstimateFacts {
  readonly config: RunConfig
  readonly dataset: Pick<DatasetFacts, 'validRows' | 'stats' | 'tokens'>
  readonly model: Pick<ModelFacts, 'label' | 'parameters'>
  readonly endpointKind: 'local' | 'runpod'
  readonly gpu: GpuFacts | null
  readonly priceMicroUsdPerHour: number | null
  /** Whether the base model is on the volume already; null when not known. */
  readonly isModelCached: boolean | null
}

/** Estimates runs, remembers what was predicted, and learns from what came of it. */
export interface RunEstimator {
  estimate(facts: EstimateFacts): Estimate
  /** Stores the prediction of a run that starts. */
  remember(runId: string, facts: EstimateFacts, nowMs: number): void
  /** Sets what an ended run took, and cost where that is known, beside its prediction. */
  compare(run: StoredRun, actual: { readonly gpu: GpuFacts | null; readonly amountMicroUsd: number | null }): void
  /** Prediction and outcome of a run. */
  find: ForecastRepository['find']
}

/** Builds the estimator over the stored runs. */
export function createRunEstimator(repository: ForecastRepository): RunEstimator {
  const inputFor = (facts: EstimateFacts) => {
    const { config, gpu } = facts
    const place: Place = { endpointId: config.endpointId, gpuClass: gpu === null ? null : gpuClassOf(gpu.name) }
    const input: ForecastInput & { priceMicroUsdPerHour: number | null } = {
      dataset: { ...facts.dataset, tokens: tokensFor(config.baseModel, facts.dataset.tokens ?? null) },
      hyperparameters: config.hyperparameters,
      endpointKind: facts.endpointKind,
      measured: repository.listEnded(JSON.stringify(config.baseModel), place).map(toPaceRecord),
      gpu,
      model: facts.model,
      isModelCached: facts.isModelCached,
      priceMicroUsdPerHour: facts.priceMicroUsdPerHour,
      earlier: {
        measured: repository.listComparisons('measured', place),
        table: repository.listComparisons('table', place),
        simple: repository.listComparisons('simple', place),
      },
    }
    return { input, place }
  }
  return {
    estimate: (facts) => estimateRun(inputFor(facts).input),
    remember(runId, facts, nowMs) {
      const { input, place } = inputFor(facts)
      const forecast = forecastRun(input)
      const { durationMs, costMicroUsd } = estimateRun(input)
      repository.savePrediction({
        runId,
        ...place,
        basis: forecast?.basis ?? null,
        rawMs: forecast === null ? null : Math.round(forecast.rawMs),
        lowMs: durationMs?.low ?? null,
        highMs: durationMs?.high ?? null,
        lowMicroUsd: costMicroUsd?.low ?? null,
        highMicroUsd: costMicroUsd?.high ?? null,
        predictedAtMs: nowMs,
      })
    },
    compare(run, { gpu, amountMicroUsd }) {
      const { startedAtMs, endedAtMs } = run.state
      if (startedAtMs === null || endedAtMs === null) return
      repository.saveActual({
        runId: run.id,
        gpuClass: gpu === null ? null : gpuClassOf(gpu.name),
        actualMs: Math.max(0, endedAtMs - startedAtMs),
        actualMicroUsd: amountMicroUsd,
        isComparable: isComparable(run),
        endedAtMs,
      })
    },
    find: (runId) => repository.find(runId),
  }
}

/** Only a run that did all its steps in one go says whether its prediction was right. */
function isComparable({ state }: StoredRun): boolean {
  const { result } = state
  return state.finalStatus === 'completed' && state.attempt <= 1 && result !== null && result.stepsDone === result.stepsTotal
}

function tokensFor(baseModel: BaseModelRef, tokens: EstimateFacts['dataset']['tokens']): TokenFacts | null {
  if (tokens === null || tokens === undefined) return null
  const isOfThisModel = baseModel.kind === 'huggingface' && baseModel.id.toLowerCase() === tokens.modelId.toLowerCase()
  return { ...tokens, isOfThisModel }
}

function toPaceRecord({ modelLabel, parameters, ...run }: EndedRun): PaceRecord {
  const model = { label: modelLabel, parameters }
  return { ...run, activeParameters: activeParametersOf(model), isMixture: isMixture(model) }
}
