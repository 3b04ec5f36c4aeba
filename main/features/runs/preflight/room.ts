import type { ModelFacts } from '../../../../preload/contract/models.ts'

/** Dataset, events and the packed adapter of most runs. */
const otherBytes = 1_000_000_000
/** What is kept free where the shape of the model is not known. */
const usualBytes = 2_000_000_000
/** Weights of an adapter for each unit of rank, as a share of the model's weights over its width; 1.3 to 1.6 in common shapes. */
const adapterShape = 1.5
/** A checkpoint holds each trained weight and the two moments of its optimizer, four bytes each. */
const checkpointBytesPerWeight = 12
/** The last two, the best, and the one that is being written before an older one goes. */
const checkpoints = 4

/**
 * Bytes that a run needs on its volume beside the base model: checkpoints, adapter and dataset. `rank` is LoRA's r; a rule
 * of thumb from weights and width of the model, since every linear layer of width d gets about 2·r·d weights.
 */
export function roomBesideModel(model: Pick<ModelFacts, 'parameters' | 'hiddenSize'> | null, rank: number): number {
  const { parameters, hiddenSize } = model ?? { parameters: null, hiddenSize: null }
  if (parameters === null || hiddenSize === null) return usualBytes
  const trained = (adapterShape * rank * parameters) / hiddenSize
  return Math.ceil(otherBytes + trained * (checkpoints * checkpointBytesPerWeight + 4))
}
