import type { BaseModelRef, ModelFacts } from '../../../../preload/contract/models.ts'
import { AppError } from '../../../../preload/contract/errors.ts'

/** What training a base model asks of an endpoint, and how that was computed. */
export interface ComputedNeed {
  readonly gpuMemoryBytes: number
  readonly volumeBytes: number
  readonly basis: string
}

interface Choice {
  readonly baseModel: BaseModelRef
  readonly loadIn4bit: boolean
  /** The user's own size of the volume; null takes what the model needs. */
  readonly volumeGb: number | null
}

const bytesPerWeight = 2
/** NF4 with its scales, as measured for whole models: a little over half a byte, and what stays in 16 bits. */
const bytesPer4bitWeight = 0.65
/** An adapter of 1 % of the weights with Adam in float32: 4 bytes for itself, 12 for gradient and moments. */
const trainingShare = 0.01 * 16
/** Activations of one micro-batch at usual lengths, and the driver's own. */
const workingBytes = 8e9
/** The worker's packages, datasets, checkpoints and adapters beside the model. */
const volumeReserveBytes = 20e9
const bytesPerGb = 1e9

/**
 * GPU memory and volume for LoRA on a base model. Memory: weights at 2 bytes each (0.65 in 4 bits), 16 bytes for each
 * trained weight at 1 % of all, 8 GB to work in. Volume: the model as it is downloaded, and 20 GB. Bytes of 10⁹ per GB.
 */
export function computeNeed({ parameters, label }: ModelFacts, { baseModel, loadIn4bit, volumeGb }: Choice): ComputedNeed {
  if (baseModel.kind === 'folder') {
    throw new AppError('MODEL_UNKNOWN', 'A model in a folder of this computer cannot be read by a worker. Choose one of the catalogue.')
  }
  if (parameters === null) {
    throw new AppError('MODEL_UNKNOWN', `The size of ${label} is not known here. Choose a model of the catalogue of about its size.`)
  }
  const weightBytes = loadIn4bit ? bytesPer4bitWeight : bytesPerWeight
  const gpuMemoryBytes = Math.ceil(parameters * (weightBytes + trainingShare) + workingBytes)
  const modelBytes = parameters * bytesPerWeight
  const volumeBytes = volumeGb === null ? Math.ceil(modelBytes + volumeReserveBytes) : volumeGb * bytesPerGb
  if (volumeBytes < modelBytes + volumeReserveBytes / 2) {
    const least = Math.ceil((modelBytes + volumeReserveBytes / 2) / bytesPerGb)
    throw new AppError('INVALID_INPUT', `${label} with its checkpoints needs a network volume of at least ${least} GB.`)
  }
  const memory = `${gbText(gpuMemoryBytes)} of GPU memory for ${label}${loadIn4bit ? ' in 4 bits' : ''} with a LoRA adapter`
  return {
    gpuMemoryBytes,
    volumeBytes,
    basis: `About ${memory}, and ${gbText(modelBytes)} on the volume for the model; ${gbText(volumeBytes - modelBytes)} remain for the worker, datasets and results.`,
  }
}

function gbText(bytes: number): string {
  return `${Math.ceil(bytes / bytesPerGb)} GB`
}
