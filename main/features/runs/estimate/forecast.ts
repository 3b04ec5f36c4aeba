import type { Hyperparameters } from '../../../../preload/contract/hyperparameters.ts'
import type { ModelFacts } from '../../../../preload/contract/models.ts'
import { calibrate, type Comparison } from './calibration.ts'
import { activeParametersOf, findTableSpeed, gpuClassOf, isMixture, type TableSpeed } from './gpu-speed.ts'
import { exactly, productOf, scaled, sumOf, widened, type Likely } from './likely.ts'
import { paceFrom, type Pace, type PaceRecord } from './pace.ts'
import { findSimpleGpu, simpleEstimate } from './simple.ts'
import { rowsPerStep, workloadOf, type DatasetSize, type Workload } from './workload.ts'

/** What the time of a run is computed from. */
export interface ForecastInput {
  readonly dataset: DatasetSize
  readonly hyperparameters: Hyperparameters
  readonly endpointKind: 'local' | 'runpod'
  /** Earlier runs that may serve as a measure, newest first. */
  readonly measured: readonly PaceRecord[]
  /** The GPU that will do it; null when that is not known before the start. */
  readonly gpu?: { readonly name: string; readonly count: number } | null
  readonly model?: Pick<ModelFacts, 'label' | 'parameters'> | null
  /** Whether the base model is on the volume already; null when not known. */
  readonly isModelCached?: boolean | null
  /** Predictions of this kind that have come true or not, by basis. */
  readonly earlier?: Readonly<Record<Basis, readonly Comparison[]>>
}

/** `measured` by earlier runs, from the shipped `table`, or by the original's `simple` formula. */
export type Basis = 'measured' | 'table' | 'simple'

/** How long a run will take, and on what that rests. */
export interface Forecast {
  readonly basis: Basis
  /** The middle before earlier errors are allowed for; what the next comparison is made with. */
  readonly rawMs: number
  readonly durationMs: Likely
  readonly sentence: string
}

/** The table's rows bring a spread of their own. */
const priorSpreads: Readonly<Record<Basis, number>> = { measured: 0.1, table: 0.15, simple: 0.5 }
/** Backward and recomputation take twice as long as the forward pass that an evaluation is. */
const evaluationShare = { low: 0.3, mid: 0.34, high: 0.5 }
/** One more pass costs as much as this, however few tokens go through. */
const passMs = { low: 20, mid: 50, high: 120 }
const checkpointMs = { low: 300, mid: 1_000, high: 3_000 }
const packagingMs = { low: 3_000, mid: 15_000, high: 45_000 }
/** Sample answers are written at every evaluation. */
const samplesMs = { low: 1_000, mid: 6_000, high: 20_000 }
const startMs = {
  local: { low: 10_000, mid: 25_000, high: 60_000 },
  /** A container that is on the host already; its first download takes far longer and is told in words. */
  runpod: { low: 15_000, mid: 105_000, high: 300_000 },
} as const
const bytesPerParameter = 2
const loadBytesPerMs = { low: 200_000, mid: 300_000, high: 2_000_000 }
const downloadBytesPerMs = { low: 30_000, mid: 100_000, high: 400_000 }

/** Predicts the time of a run from the best there is to rest on; null when there is nothing. */
export function forecastRun(input: ForecastInput, workload: Workload = workloadOf(input.dataset, input.hyperparameters)): Forecast | null {
  if (workload.steps === 0 || workload.tokensTrained.high === 0) return null
  const { model = null, gpu = null, hyperparameters } = input
  const wanted = {
    activeParameters: model === null ? null : activeParametersOf(model),
    isMixture: model !== null && isMixture(model),
    isIn4bit: hyperparameters.load_in_4bit,
  }
  const pace = paceFrom(input.measured, wanted)
  if (pace !== undefined) return finish(input, 'measured', measuredTime(input, workload, pace), measuredSentence(input, pace))
  if (gpu === null) return null
  const speed = model === null ? undefined : findTableSpeed(gpu, model, hyperparameters.load_in_4bit)
  if (speed !== undefined && workload.tokenSource !== 'guessed') {
    return finish(
      input,
      'table',
      tableTime(input, workload, speed),
      `The shipped table for the ${speed.title} (${speed.source}); no run on it yet.`,
    )
  }
  return simpleForecast(input, workload, gpu)
}

interface Time {
  /** Depends on the pace, and so shares its uncertainty. */
  readonly computing: Likely
  /** Starting, loading, saving. */
  readonly beside: Likely
}

function finish(input: ForecastInput, basis: Basis, { computing, beside }: Time, sentence: string): Forecast {
  const { factor, spread, runs } = calibrate(input.earlier?.[basis] ?? [], priorSpreads[basis])
  const durationMs = scaled(sumOf(widened(computing, spread), beside), factor)
  const percent = Math.round(Math.abs(factor - 1) * 100)
  const learnt =
    runs === 0 || percent === 0
      ? ''
      : ` Made ${percent} % ${factor > 1 ? 'longer' : 'shorter'}, as ${runs === 1 ? 'an earlier run' : `${runs} earlier runs`} took.`
  return { basis, rawMs: computing.mid + beside.mid, durationMs, sentence: sentence + learnt }
}

function measuredTime(input: ForecastInput, workload: Workload, pace: Pace): Time {
  const evaluating =
    pace.msPerEvalRow === null
      ? evaluationTime(workload, pace.msPerToken)
      : widened(exactly(pace.msPerEvalRow * workload.rowsEval * workload.evaluations), 0.15)
  const computing = sumOf(productOf(workload.tokensTrained, pace.msPerToken), evaluating)
  return { computing, beside: pace.besideMs === null ? besideTime(input, workload) : widened(pace.besideMs, 0.15) }
}

function tableTime(input: ForecastInput, workload: Workload, speed: TableSpeed): Time {
  const msPerToken = widened(exactly(1000 / speed.tokensPerSecond), speed.spread)
  const training = sumOf(productOf(workload.tokensTrained, msPerToken), productOf(workload.passes, passMs))
  return { computing: sumOf(training, evaluationTime(workload, msPerToken)), beside: besideTime(input, workload) }
}

function evaluationTime(workload: Workload, msPerToken: Likely): Likely {
  return sumOf(productOf(productOf(workload.tokensEvaluated, msPerToken), evaluationShare), scaled(samplesMs, workload.evaluations))
}

function besideTime({ endpointKind, model, isModelCached }: ForecastInput, workload: Workload): Likely {
  const bytes = (model?.parameters ?? 0) * bytesPerParameter
  const load = { low: bytes / loadBytesPerMs.high, mid: bytes / loadBytesPerMs.mid, high: bytes / loadBytesPerMs.low }
  const fetch = { low: bytes / downloadBytesPerMs.high, mid: bytes / downloadBytesPerMs.mid, high: bytes / downloadBytesPerMs.low }
  const fetched = isModelCached === false ? fetch : isModelCached === true ? exactly(0) : { low: 0, mid: fetch.mid / 2, high: fetch.high }
  return sumOf(startMs[endpointKind], load, fetched, scaled(checkpointMs, workload.checkpoints), packagingMs)
}

function measuredSentence({ endpointKind }: ForecastInput, pace: Pace): string {
  const place = endpointKind === 'local' ? 'this computer' : 'this kind of GPU'
  const runs = pace.runs === 1 ? 'run' : `${pace.runs} runs`
  return pace.isSameModel
    ? `Measured over the last ${runs} of this model on ${place}.`
    : `Measured over the last ${runs} of a model of about this size on ${place}.`
}

function simpleForecast(input: ForecastInput, workload: Workload, gpu: { readonly name: string; readonly count: number }): Forecast | null {
  const row = findSimpleGpu(gpuClassOf(gpu.name))
  if (row === undefined) return null
  const { hyperparameters } = input
  const { hours } = simpleEstimate({
    pairs: workload.rowsTrain,
    tokens: Math.round(workload.tokensTrained.mid / Math.max(1, workload.steps / Math.max(1, workload.stepsPerEpoch))),
    gpu: row,
    gpuCount: gpu.count,
    batchSize: rowsPerStep(hyperparameters),
    epochs: hyperparameters.num_train_epochs,
  })
  const sentence = `A simple estimate for the ${row}: the tokens of this model cannot be counted here, and its size is not considered.`
  return finish(input, 'simple', { computing: exactly(hours * 3_600_000), beside: exactly(0) }, sentence)
}
