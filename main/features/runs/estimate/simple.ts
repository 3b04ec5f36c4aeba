/** Price per GPU-hour and tokens per second of the original system's table. */
const simpleGpuTable = {
  'A100-80GB': { usdPerHour: 3.5, tokensPerSecond: 1800 },
  'A100-40GB': { usdPerHour: 2.8, tokensPerSecond: 1500 },
  H100: { usdPerHour: 4.2, tokensPerSecond: 2200 },
  'V100-32GB': { usdPerHour: 2.1, tokensPerSecond: 1200 },
} as const

type SimpleGpu = keyof typeof simpleGpuTable

const simpleGpuOf: Readonly<Record<string, SimpleGpu>> = { 'a100-80': 'A100-80GB', 'a100-40': 'A100-40GB', h100: 'H100', v100: 'V100-32GB' }

/** The row of the original table for a GPU; undefined when it has none. */
export function findSimpleGpu(gpuClass: string): SimpleGpu | undefined {
  return simpleGpuOf[gpuClass]
}

interface SimpleInput {
  readonly pairs: number | null
  readonly tokens: number | null
  readonly gpu: SimpleGpu
  readonly gpuCount: number
  readonly batchSize: number
  readonly epochs: number
}

/** The original system's rule of thumb, unrounded: neither the size of the model nor the rank has an effect. */
export function simpleEstimate({ pairs, tokens, gpu, gpuCount, batchSize, epochs }: SimpleInput) {
  const knownPairs = pairs ?? 1000
  const knownTokens = tokens ?? knownPairs * 200
  const { usdPerHour, tokensPerSecond } = simpleGpuTable[gpu]
  const steps = Math.ceil(knownPairs / batchSize) * epochs
  const trainSeconds = (steps * (knownTokens / knownPairs) * batchSize) / (tokensPerSecond * gpuCount)
  const overheadSeconds = 600 + 300 * epochs + 300
  const hours = (trainSeconds + overheadSeconds) / 3600
  const storageUsd = 0.5
  return { steps, hours, totalUsd: usdPerHour * gpuCount * hours + storageUsd }
}
